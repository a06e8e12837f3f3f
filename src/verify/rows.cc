// See rows.h.
#include "verify/rows.h"

#include "format/bbolt/tree.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/key_index.h"
#include "format/mvcc/revision.h"
#include "verify/facts.h"

namespace etcdrill::verify {
namespace {

class RowVisitor final : public bbolt::PairVisitor {
 public:
  RowVisitor(mvcc::KeyIndex& index, const std::function<void(const Row&)>& visit)
      : index_(index), visit_(visit) {}
  void OnBucket(std::string_view) override {}

  void OnPair(const bbolt::Pair& pair) override {
    const auto row = mvcc::DecodeRevision(pair.key);
    const auto kv = mvcc::DecodeKeyValue(pair.value);
    if (!row.has_value() || !kv.has_value()) return;
    const bool newest = index_.OnCompacted(*row, *kv, index_.Prepare(kv->key)).standing.newest;
    const bool alive = newest && !row->tombstone && !kv->key.empty();
    visit_({*kv, pair.key.size() + pair.value.size(), alive});
  }

 private:
  mvcc::KeyIndex& index_;
  const std::function<void(const Row&)>& visit_;
};

}  // namespace

Status ForEachRow(const Context& context, const snapshot::Image& image,
                  const std::function<void(const Row&)>& visit) {
  Findings findings;
  ASSIGN_OR_RETURN(const Facts facts, RequireFacts(image, findings));
  const ReadableFile& file = image.reader();
  // As if all of it were compacted: then the index tells of every row whether it is the newest of
  // its key.
  ASSIGN_OR_RETURN(mvcc::KeyIndex index,
                   mvcc::BuildKeyIndex(file, facts.body, facts.meta, facts.state, facts.revision,
                                       facts.revision, context.random.Next()));
  RowVisitor visitor(index, visit);
  return bbolt::WalkBucket(file, facts.body, facts.meta, mvcc::kKeyBucket, {},
                           bbolt::Direction::kForwards, visitor);
}

}  // namespace etcdrill::verify
