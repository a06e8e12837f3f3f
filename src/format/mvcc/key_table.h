// A small number for each of many keys, in 12 bytes a slot and at most 16 bytes a key: the memory
// that an examination takes for each key that was touched since the last compaction
// (docs/dev/adr/0009-two-looks.md).
//
// Keys are known by a 64-bit hash, XXH3 with a seed. Two of 100 million keys collide with a chance
// of 3 in 10,000, of 10 million with 3 in a million; then a sound file can look broken, never a
// broken one sound, unless it was made for a seed that nobody can know.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace etcdrill::mvcc {

// Not thread-safe.
class KeyTable {
 public:
  // `seed` is random for each run, so that nobody can choose keys that collide.
  explicit KeyTable(uint64_t seed) : seed_(seed) {}

  // What stands for a key in the calls below. Also asks the processor for the key's place, so that
  // it need not wait for the memory if the call comes some hundred instructions later.
  uint64_t Prepare(std::string_view key) const;
  // The number of a key, or nullptr. Valid until the next Add.
  uint32_t* Find(uint64_t prepared);
  // The key is not in the table yet.
  void Add(uint64_t prepared, uint32_t number);
  size_t size() const { return size_; }
  // What the slots take.
  size_t bytes() const {
    size_t slots = 0;
    for (const Part& part : parts_) slots += part.slots.size();
    return slots * sizeof(Slot);
  }

  template <typename Function>
  void ForEachNumber(Function&& function) const {
    for (const Part& part : parts_) {
      for (const Slot& slot : part.slots) {
        if (slot.used()) function(slot.number);
      }
    }
  }

 private:
  // 12 bytes: a 64-bit member would be aligned to 16.
  struct Slot {
    uint32_t hash_low = 0;
    uint32_t hash_high = 0;
    uint32_t number = 0;

    uint64_t hash() const { return uint64_t{hash_high} << 32 | hash_low; }
    bool used() const { return hash() != 0; }
  };
  // The table grows a part at a time: one that grew as a whole would need its memory twice while it
  // does.
  struct Part {
    std::vector<Slot> slots;
    size_t used = 0;
  };
  static constexpr size_t kPartBits = 8;

  uint64_t HashOf(std::string_view key) const;
  static size_t PartOf(uint64_t hash) { return hash >> (64 - kPartBits); }
  static void Grow(Part& part);

  uint64_t seed_;
  std::array<Part, size_t{1} << kPartBits> parts_;
  size_t size_ = 0;
};

}  // namespace etcdrill::mvcc
