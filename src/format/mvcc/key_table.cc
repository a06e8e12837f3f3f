// Open addressing with linear probing. Each part is 77 to 87 per cent full: it grows by an eighth.
#include "format/mvcc/key_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace etcdrill::mvcc {
namespace {

__extension__ using Uint128 = unsigned __int128;

// The slot where the search for a hash begins: the bits below those that chose the part, scaled to
// the size.
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

uint64_t KeyTable::HashOf(std::string_view key) const {
  // 0 marks a free slot.
  return std::max<uint64_t>(XXH3_64bits_withSeed(key.data(), key.size(), seed_), 1);
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
