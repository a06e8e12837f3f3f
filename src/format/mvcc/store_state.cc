// `meta` comes after `key` in the file, but is needed before it: hence a walk of its own over that
// small bucket.
#include "format/mvcc/store_state.h"

#include "format/bbolt/tree.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/revision.h"

namespace etcdrill::mvcc {
namespace {

class MetaVisitor final : public bbolt::PairVisitor {
 public:
  void OnBucket(std::string_view) override {}
  void OnPair(const bbolt::Pair& pair) override {
    if (pair.key != kScheduledCompactKey && pair.key != kFinishedCompactKey) return;
    const auto revision = DecodeRevision(pair.value);
    if (!revision.has_value()) return;
    (pair.key == kScheduledCompactKey ? state.scheduled_compact : state.finished_compact) =
        revision->main;
  }
  StoreState state;
};

}  // namespace

Result<StoreState> ReadStoreState(const ReadableFile& file, uint64_t body_size,
                                  const bbolt::Meta& meta) {
  MetaVisitor visitor;
  RETURN_IF_ERROR(bbolt::WalkBucket(file, body_size, meta, kMetaBucket, {},
                                    bbolt::Direction::kForwards, visitor));
  return visitor.state;
}

}  // namespace etcdrill::mvcc
