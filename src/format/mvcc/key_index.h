// Which row is the newest of its key, and does each row follow from the one before it? etcd's own
// index remembers all revisions of all keys for that. Two looks at the rows need 16 bytes for each
// key that was touched since the last finished compaction, because up to there a compaction leaves
// one row a key at most (docs/dev/formats.md §2.3, rules 3 and 4):
//
//   newest row first, down to the compaction: the first row of a key that is met is its newest;
//       each row leaves behind what the row before it has to be
//   oldest row first, up to the compaction: a row is the newest of its key unless the key was met
//       above; if it was, this row has to be what the one above left behind
//
// One transaction can delete a key and put it anew. Where such a transaction is the compact
// revision itself, etcd since 3.4.34 and 3.5.16 keeps the delete and removes the put, though its
// index still has it (etcd#22376): then a row is missing for which the file is not to blame. It
// can't be another one: of what lies above the compaction each row is accounted for.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "format/bbolt/database.h"
#include "format/mvcc/hash_kv.h"
#include "format/mvcc/key_table.h"
#include "format/mvcc/row.h"
#include "format/mvcc/store_state.h"

namespace etcdrill::mvcc {

// Not thread-safe.
class KeyIndex {
 public:
  // Up to `finished` the rows are compacted. From there to `compacted` (the same, or a compaction
  // under way, or one that the caller asks about) superseded rows may be there or not; above it,
  // none is missing. Rows end at `revision`.
  KeyIndex(int64_t finished, int64_t compacted, int64_t revision, uint64_t seed)
      : finished_(finished), compacted_(compacted), revision_(revision), table_(seed) {}

  struct Place {
    HashKvSum::Standing standing = {};
    std::string_view problem = {};  // with the step to the next row of its key; empty: none
    bool lost_by_etcd = false;      // that problem is a row which etcd#22376 removed
  };
  // A user key, to be given to the calls below with its row; best a page of rows ahead
  // (KeyTable::Prepare).
  uint64_t Prepare(std::string_view user_key) const { return table_.Prepare(user_key); }
  // First look: a row above `finished`; rows come newest first.
  Place OnNewer(const Revision& row, const KeyValueView& kv, uint64_t key);
  // Second look: a row at or below `compacted`; rows come oldest first, exactly those of the first
  // look and older ones.
  Place OnCompacted(const Revision& row, const KeyValueView& kv, uint64_t key);

  // After the second look: how many keys have a row above `compacted` whose predecessor is missing.
  uint64_t CountOrphans() const;
  // True for the oldest row above `finished` of such a key, once; for a third look, oldest row
  // first, that names them.
  bool TakeOrphan(const KeyValueView& kv);

  // Keys seen so far whose newest row is a put; without the nameless mark of a restore with
  // --bump-revision, which no range shows.
  uint64_t live_keys() const { return live_keys_; }
  // That mark is there. To etcd's index it is a key like any other.
  bool bumped() const { return bumped_; }
  // After the first look, for the sum.
  AliveAbove alive_above() const { return {live_keys_ + (bumped_ ? 1 : 0), rewritten_}; }

 private:
  void CountNewest(const Revision& row, const KeyValueView& kv);
  Place Follow(const Revision& row, const KeyValueView& kv, uint32_t expected) const;
  bool IsRewritten(uint64_t key);

  const int64_t finished_;
  const int64_t compacted_;
  const int64_t revision_;
  KeyTable table_;
  std::vector<bool> newest_;  // of the rows in (finished, compacted], newest row first
  size_t keys_above_ = 0;     // met in the first look
  uint64_t live_keys_ = 0;
  uint64_t rewritten_ = 0;  // deleted and put at revision_
  bool bumped_ = false;
};

// Hears of each row of the first look. The views are valid during the call only.
using OnNewerRow = std::function<void(const bbolt::Pair&, const Revision&, const KeyValueView&,
                                      const KeyIndex::Place&)>;

// Takes the first look at the rows up to `revision`. `compacted` is at least the compact revision
// of the file. Damaged pages are passed over; the status is for failures to read.
Result<KeyIndex> BuildKeyIndex(const bbolt::Database& database, const StoreState& state,
                               int64_t revision, int64_t compacted, uint64_t seed,
                               const OnNewerRow& on_row = {});

}  // namespace etcdrill::mvcc
