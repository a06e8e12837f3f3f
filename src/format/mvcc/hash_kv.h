// HashKV, as a live etcd computes it, from the rows of a file. Source: docs/dev/formats.md §5,
// tested there against servers of five versions: CRC-32C over "key", then over key and value of
// each row up to R, without those rows that compaction up to C may have removed. A row at or below
// C counts only if it is the newest of its key up to R, and a put.
//
// Any C from the file's own compact revision to R gives the hash of a member that has compacted
// that far: so a file can be compared with members that have moved on.
//
// etcd has two rules for keys that one transaction deletes and puts, where that transaction is R.
// Since 3.4.34 and 3.5.16 (etcd#18274) such a key does not count as alive: the delete is found
// first, and ends the search (etcd#22376). And if nothing counts as alive at R, etcd hashes the
// compacted rows as they lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "format/mvcc/row.h"
#include "format/mvcc/store_state.h"

namespace etcdrill::mvcc {

struct HashKv {
  uint32_t hash = 0;  // as etcd since 3.4.34 and 3.5.16 answers
  int64_t revision = 0;
  int64_t compact_revision = kNeverCompacted;
  uint64_t live_keys = 0;                 // user keys alive at the revision, by whatever rule
  std::optional<uint32_t> by_older_etcd;  // what etcd before those answers, if that is another hash
  bool may_vary = false;  // compacted rows are in it as they lie: two honest stores may differ

  // Whether a server that holds the same data may answer so.
  bool Is(uint32_t answer) const { return answer == hash || answer == by_older_etcd; }
};

enum class HashMatch { kEqual, kDiffers, kMayVary };
// Two files at one revision and compact revision. Where hashes can't tell, the number of live keys
// may.
HashMatch Match(const HashKv& a, const HashKv& b);
// A file, and what a live member answers for the same revisions.
HashMatch Match(const HashKv& file, uint32_t answer);

// What is known of the keys at the revision before the sum begins (key_index.h).
struct AliveAbove {
  uint64_t keys = 0;       // whose newest row is a put, and above the finished compaction
  uint64_t rewritten = 0;  // of these, deleted and put by the transaction that made the revision
};

// Fed with all rows of the `key` bucket, oldest first.
class HashKvSum {
 public:
  HashKvSum(int64_t revision, int64_t compact_revision, const AliveAbove& alive);

  // Of a row at or below the compact revision: whether it is the newest of its key up to the
  // revision, and whether that key is one of the rewritten.
  struct Standing {
    bool newest = false;
    bool rewritten = false;
  };
  void OnRow(const Revision& row, const Standing& standing, std::string_view key,
             std::string_view value);
  // Without the number of live keys.
  HashKv Finish() const;

 private:
  const int64_t revision_;
  const int64_t compact_revision_;
  const bool two_rules_;
  bool anything_alive_;
  bool anything_alive_to_older_;
  uint32_t counted_;  // rows that count
  uint32_t counted_by_older_;
  uint32_t all_;  // rows as they lie
};

}  // namespace etcdrill::mvcc
