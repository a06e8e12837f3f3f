// Sums run side by side until it is known which of them counts: the one over the rows as they lie
// ends at the first key that is alive, the one by the older rule is only made where the two rules
// can differ.
#include "format/mvcc/hash_kv.h"

#include "crypto/hash.h"
#include "format/mvcc/buckets.h"

namespace etcdrill::mvcc {
namespace {

void Add(uint32_t& sum, std::string_view key, std::string_view value) {
  sum = Crc32c(Crc32c(sum, key), value);
}

HashMatch Differ(bool may_vary) { return may_vary ? HashMatch::kMayVary : HashMatch::kDiffers; }

}  // namespace

HashMatch Match(const HashKv& a, const HashKv& b) {
  if (a.live_keys != b.live_keys) return HashMatch::kDiffers;
  const bool equal_to_older = a.by_older_etcd.has_value() && a.by_older_etcd == b.by_older_etcd;
  return a.hash == b.hash || equal_to_older ? HashMatch::kEqual : Differ(a.may_vary || b.may_vary);
}

HashMatch Match(const HashKv& file, uint32_t answer) {
  return file.Is(answer) ? HashMatch::kEqual : Differ(file.may_vary);
}

HashKvSum::HashKvSum(int64_t revision, int64_t compact_revision, const AliveAbove& alive)
    : revision_(revision),
      compact_revision_(compact_revision),
      two_rules_(alive.rewritten > 0),
      // A store that was never compacted has no rows in question.
      anything_alive_(alive.keys > alive.rewritten || compact_revision == kNeverCompacted),
      anything_alive_to_older_(anything_alive_ || alive.keys > 0),
      counted_(Crc32c(0, kKeyBucket)),
      counted_by_older_(counted_),
      all_(counted_) {}

void HashKvSum::OnRow(const Revision& row, const Standing& standing, std::string_view key,
                      std::string_view value) {
  if (row.main > revision_) return;
  const bool compacted = row.main <= compact_revision_;
  const bool alive_to_older = compacted && standing.newest && !row.tombstone;
  const bool alive = alive_to_older && !standing.rewritten;
  if (!compacted || alive) Add(counted_, key, value);
  if (two_rules_ && (!compacted || alive_to_older)) Add(counted_by_older_, key, value);
  if (!anything_alive_ && !(row.tombstone && row.main == compact_revision_)) Add(all_, key, value);
  anything_alive_ |= alive;
  anything_alive_to_older_ |= alive_to_older;
}

HashKv HashKvSum::Finish() const {
  HashKv sum{.hash = anything_alive_ ? counted_ : all_,
             .revision = revision_,
             .compact_revision = compact_revision_,
             .may_vary = !anything_alive_};
  const uint32_t by_older = anything_alive_to_older_ ? counted_by_older_ : all_;
  if (two_rules_ && by_older != sum.hash) sum.by_older_etcd = by_older;
  return sum;
}

}  // namespace etcdrill::mvcc
