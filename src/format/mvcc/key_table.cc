// Open addressing with linear probing. Each part is 77 to 87 per cent full: it grows by an eighth.
#include "format/mvcc/key_table.h"

#include <algorithm>

#include "base/bytes.h"

namespace etcdrill::mvcc {
namespace {

__extension__ using Uint128 = unsigned __int128;

// The slot where the search for a hash begins: the bits below those that chose the part, scaled to the size.
template <typename Slots>
size_t HomeOf(uint64_t hash, size_t part_bits, const Slots& slots) {
  return static_cast<size_t>(static_cast<Uint128>(hash << part_bits) * slots.size() >> 64);
}

template <typename Slots>
auto& Probe(uint64_t hash, size_t part_bits, Slots& slots) {
  size_t i = HomeOf(hash, part_bits, slots);
  while (slots[i].used() && slots[i].hash() != hash) i = i + 1 == slots.size() ? 0 : i + 1;
  return slots[i];
}

}  // namespace

// A multiply-and-fold hash over 8 bytes at a time; the constant is an odd 64-bit number with about half of its bits
// set.
uint64_t KeyTable::HashOf(std::string_view key) const {
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
  return std::max<uint64_t>(hash, 1);  // 0 marks a free slot
}

uint64_t KeyTable::Prepare(std::string_view key) const {
  const uint64_t hash = HashOf(key);
  const std::vector<Slot>& slots = parts_[PartOf(hash)].slots;
  if (!slots.empty()) __builtin_prefetch(&slots[HomeOf(hash, kPartBits, slots)]);
  return hash;
}

uint32_t* KeyTable::Find(uint64_t hash) {
  Part& part = parts_[PartOf(hash)];
  if (part.slots.empty()) return nullptr;
  Slot& slot = Probe(hash, kPartBits, part.slots);
  return slot.used() ? &slot.number : nullptr;
}

void KeyTable::Add(uint64_t hash, uint32_t number) {
  Part& part = parts_[PartOf(hash)];
  if (part.used * 8 >= part.slots.size() * 7) Grow(part);
  Slot& slot = Probe(hash, kPartBits, part.slots);
  slot = {static_cast<uint32_t>(hash), static_cast<uint32_t>(hash >> 32), number};
  ++part.used;
  ++size_;
}

void KeyTable::Grow(Part& part) {
  std::vector<Slot> old(part.slots.size() + part.slots.size() / 8 + 8);
  old.swap(part.slots);
  for (const Slot& slot : old) {
    if (slot.used()) Probe(slot.hash(), kPartBits, part.slots) = slot;
  }
}

}  // namespace etcdrill::mvcc
