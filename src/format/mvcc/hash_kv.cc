// Two sums run side by side until the first key is seen to be alive; then only one is needed, and the other stops.
#include "format/mvcc/hash_kv.h"

#include "crypto/hash.h"
#include "format/mvcc/buckets.h"

namespace etcdrill::mvcc {

HashKvSum::HashKvSum(int64_t revision, int64_t compact_revision, bool anything_alive)
    : revision_(revision),
      compact_revision_(compact_revision),
      // A store that was never compacted has no rows in question.
      anything_alive_(anything_alive || compact_revision == kNeverCompacted),
      counted_(Crc32c(0, kKeyBucket)),
      all_(counted_) {}

void HashKvSum::OnRow(const Revision& row, bool newest, std::string_view key, std::string_view value) {
  if (row.main > revision_) return;
  const bool compacted = row.main <= compact_revision_;
  const bool alive = compacted && newest && !row.tombstone;
  if (!compacted || alive) counted_ = Crc32c(Crc32c(counted_, key), value);
  if (!anything_alive_ && !(row.tombstone && row.main == compact_revision_)) all_ = Crc32c(Crc32c(all_, key), value);
  anything_alive_ |= alive;
}

HashKv HashKvSum::Finish() const { return {anything_alive_ ? counted_ : all_, revision_, compact_revision_}; }

}  // namespace etcdrill::mvcc
