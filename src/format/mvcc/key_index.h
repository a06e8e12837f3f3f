// Which row is the newest of its key, and does each row follow from the one before it? etcd's own index remembers all
// revisions of all keys for that. Two looks at the rows need 16 bytes for each key that was touched since the last
// finished compaction, because up to there a compaction leaves one row a key at most (formats.md 2.3, rules 3 and 4):
//
//   newest row first, down to the compaction   the first row of a key that is met is its newest; each row leaves behind
//                                              what the row before it has to be
//   oldest row first, up to the compaction     a row is the newest of its key unless the key was met above; if it was,
//                                              this row has to be what the one above left behind
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "format/bbolt/tree.h"
#include "format/mvcc/key_table.h"
#include "format/mvcc/key_value.h"
#include "format/mvcc/revision.h"
#include "format/mvcc/store_state.h"

namespace etcdrill::mvcc {

// Not thread-safe.
class KeyIndex {
 public:
  // Up to `finished` the rows are compacted. From there to `compacted` (the same, or a compaction under way, or one
  // that the caller asks about) superseded rows may be there or not; above it, none is missing.
  KeyIndex(int64_t finished, int64_t compacted, uint64_t seed)
      : finished_(finished), compacted_(compacted), table_(seed) {}

  struct Place {
    bool newest = false;       // of its key
    std::string_view problem;  // with the step from this row to the next one of its key; empty: none
  };
  // A user key, to be given to the calls below with its row; best a page of rows ahead (KeyTable::Prepare).
  uint64_t Prepare(std::string_view user_key) const { return table_.Prepare(user_key); }
  // First look: a row above `finished`; rows come newest first.
  Place OnNewer(const Revision& row, const KeyValueView& kv, uint64_t key);
  // Second look: a row at or below `compacted`; rows come oldest first, exactly those of the first look and older ones.
  Place OnCompacted(const Revision& row, const KeyValueView& kv, uint64_t key);

  // After the second look: how many keys have a row above `compacted` whose predecessor is missing.
  uint64_t CountOrphans() const;
  // True for the oldest row above `finished` of such a key, once; for a third look, oldest row first, that names them.
  bool TakeOrphan(const KeyValueView& kv);

  // Keys seen so far whose newest row is a put.
  uint64_t live_keys() const { return live_keys_; }
  // One of them is the nameless mark of a restore with --bump-revision.
  bool bumped() const { return bumped_; }

 private:
  void CountNewest(const Revision& row, const KeyValueView& kv);

  const int64_t finished_;
  const int64_t compacted_;
  KeyTable table_;
  std::vector<bool> newest_;  // of the rows in (finished, compacted], newest row first
  size_t keys_above_ = 0;     // met in the first look
  uint64_t live_keys_ = 0;
  bool bumped_ = false;
};

// Hears of each row of the first look. The views are valid during the call only.
using OnNewerRow =
    std::function<void(const bbolt::Pair&, const Revision&, const KeyValueView&, const KeyIndex::Place&)>;

// Takes the first look at the rows up to `revision`. `compacted` is at least the compact revision of the file. Damaged
// pages are passed over; the status is for failures to read.
Result<KeyIndex> BuildKeyIndex(const ReadableFile& file, uint64_t body_size, const bbolt::Meta& meta,
                               const StoreState& state, int64_t revision, int64_t compacted, uint64_t seed,
                               const OnNewerRow& on_row = {});

}  // namespace etcdrill::mvcc
