// HashKV, as a live etcd computes it, from the rows of a file. Source: formats.md 5, tested there against servers of
// five versions: CRC-32C over "key", then over key and value of each row up to R, without those rows that compaction up
// to C may have removed. A row at or below C counts only if it is the newest of its key up to R, and a put.
//
// Any C from the file's own compact revision to R gives the hash of a member that has compacted that far: so a file can
// be compared with members that have moved on.
#pragma once

#include <cstdint>
#include <string_view>

#include "format/mvcc/revision.h"
#include "format/mvcc/store_state.h"

namespace etcdrill::mvcc {

struct HashKv {
  uint32_t hash = 0;
  int64_t revision = 0;
  int64_t compact_revision = kNeverCompacted;
};

// Fed with all rows of the `key` bucket, oldest first.
class HashKvSum {
 public:
  // `anything_alive`: known already, from the rows above the compaction.
  HashKvSum(int64_t revision, int64_t compact_revision, bool anything_alive);

  // `newest` counts for rows at or below the compact revision: whether it is the newest of its key up to the revision.
  void OnRow(const Revision& row, bool newest, std::string_view key, std::string_view value);
  HashKv Finish() const;

 private:
  const int64_t revision_;
  const int64_t compact_revision_;
  bool anything_alive_;
  uint32_t counted_;  // rows that count
  uint32_t all_;      // rows as they lie: etcd's rule for a store without a live key
};

}  // namespace etcdrill::mvcc
