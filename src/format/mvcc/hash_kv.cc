// Two sums run side by side until the first key is seen to be alive; then only one is needed, and the other stops.
#include "format/mvcc/hash_kv.h"

#include "crypto/hash.h"
#include "format/bbolt/tree.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/key_value.h"

namespace etcdrill::mvcc {
namespace {

class NewestRowsVisitor final : public bbolt::Visitor {
 public:
  NewestRowsVisitor(int64_t last, uint64_t seed) : newest(seed), last_(last) {}
  void OnBucket(std::string_view) override {}
  void OnPair(const bbolt::Pair& pair) override {
    const auto row = DecodeRevision(pair.key);
    const auto kv = DecodeKeyValue(pair.value);
    if (row.has_value() && kv.has_value() && row->main <= last_) newest.Set(kv->key, row->main);
  }
  NewestRows newest;

 private:
  const int64_t last_;
};

}  // namespace

HashKvSum::HashKvSum(int64_t revision, int64_t compact_revision, const NewestRows& newest)
    : revision_(revision),
      compact_revision_(compact_revision),
      newest_(newest),
      counted_(Crc32c(0, kKeyBucket)),
      all_(counted_) {}

void HashKvSum::OnRow(const Revision& row, std::string_view user_key, std::string_view key, std::string_view value) {
  if (row.main > revision_) return;
  const bool compacted = row.main <= compact_revision_;
  const int64_t newest = compacted || !anything_alive_ ? newest_.Get(user_key) : 0;
  const bool alive = !row.tombstone && (newest == row.main || (compacted && newest == 0));
  if (!compacted || alive) counted_ = Crc32c(Crc32c(counted_, key), value);
  if (!anything_alive_ && !(row.tombstone && row.main == compact_revision_)) all_ = Crc32c(Crc32c(all_, key), value);
  anything_alive_ |= alive;
}

HashKv HashKvSum::Finish() const {
  // A store that was never compacted has no rows in question, and the two sums are the same.
  return {anything_alive_ || compact_revision_ == kNeverCompacted ? counted_ : all_, revision_, compact_revision_};
}

Result<NewestRows> FindNewestRows(const ReadableFile& file, uint64_t body_size, const bbolt::Meta& meta,
                                  const StoreState& state, int64_t revision, int64_t compact_revision, uint64_t seed) {
  NewestRowsVisitor visitor(revision, seed);
  if (compact_revision == kNeverCompacted) return std::move(visitor.newest);
  // Up to the finished compaction there is one row a key at most; only what came after can supersede it.
  const int64_t finished = state.finished_compact.value_or(0);
  if (finished >= revision) return std::move(visitor.newest);
  const std::string from = EncodeRevision({.main = finished + 1});
  RETURN_IF_ERROR(bbolt::WalkBucket(file, body_size, meta, kKeyBucket, from, visitor));
  return std::move(visitor.newest);
}

}  // namespace etcdrill::mvcc
