// Open addressing with linear probing, at most three quarters full.
#include "format/mvcc/newest_rows.h"

#include "base/bytes.h"

namespace etcdrill::mvcc {

__extension__ using Uint128 = unsigned __int128;

// A multiply-and-fold hash over 8 bytes at a time; the constants are odd 64-bit numbers with about half of their bits
// set.
uint64_t NewestRows::HashOf(std::string_view key) const {
  constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  uint64_t hash = seed_ + key.size();
  const auto mix = [&](uint64_t word) {
    const auto product = static_cast<Uint128>(hash ^ word) * kMultiplier;
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  for (; key.size() >= 8; key.remove_prefix(8)) mix(LoadLE64(key.data()));
  uint64_t tail = 0;
  if (!key.empty()) std::memcpy(&tail, key.data(), key.size());
  mix(tail);
  mix(0);
  return hash;
}

size_t NewestRows::Find(uint64_t key_hash) const {
  size_t i = key_hash & (slots_.size() - 1);
  while (slots_[i].main != 0 && slots_[i].key_hash != key_hash) i = (i + 1) & (slots_.size() - 1);
  return i;
}

void NewestRows::Set(std::string_view key, int64_t main) {
  if (used_ * 4 >= slots_.size() * 3) Grow();
  Slot& slot = slots_[Find(HashOf(key))];
  if (slot.main == 0) {
    slot.key_hash = HashOf(key);
    ++used_;
  }
  slot.main = main;
}

int64_t NewestRows::Get(std::string_view key) const { return slots_[Find(HashOf(key))].main; }

void NewestRows::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.main != 0) slots_[Find(slot.key_hash)] = slot;
  }
}

}  // namespace etcdrill::mvcc
