// For each user key that has a row above some revision: the revision of its newest row up to R. HashKV needs it to know
// which of the compacted rows still count, and it is all that HashKV has to remember: 16 bytes a key in a flat table.
//
// Keys are known by a 64-bit hash. Two of 100 million keys collide with a chance of 3 in 10,000; a collision can only
// make a hash differ that should be equal, never the other way round, unless the file was made for it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace etcdrill::mvcc {

class NewestRows {
 public:
  // `seed` is random for each run, so that nobody can choose keys that collide.
  explicit NewestRows(uint64_t seed) : seed_(seed) {}

  // Remembers that `key` has a row at `main`; calls come in rising order of `main`.
  void Set(std::string_view key, int64_t main);
  // The newest main of `key`, or 0 if it has no row here.
  int64_t Get(std::string_view key) const;
  size_t size() const { return used_; }

 private:
  struct Slot {
    uint64_t key_hash = 0;
    int64_t main = 0;  // 0: empty
  };
  uint64_t HashOf(std::string_view key) const;
  size_t Find(uint64_t key_hash) const;
  void Grow();

  uint64_t seed_;
  std::vector<Slot> slots_ = std::vector<Slot>(64);
  size_t used_ = 0;
};

}  // namespace etcdrill::mvcc
