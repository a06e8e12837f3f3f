// HashKV of a file at any revision: first the index of the rows above the compaction, then the sum
// over all rows.

#include "format/bbolt/database.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/key_index.h"
#include "verify/facts.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

class HashKvVisitor final : public bbolt::Visitor {
 public:
  HashKvVisitor(mvcc::KeyIndex& index, mvcc::HashKvSum& sum, int64_t compact_revision)
      : index_(index), sum_(sum), compact_revision_(compact_revision) {}

  void OnBucket(std::string_view name) override {
    in_key_bucket_ = name == mvcc::kKeyBucket;
    found_ |= in_key_bucket_;
  }
  void OnPairs(std::span<const bbolt::Pair> pairs) override {
    if (!in_key_bucket_) return;
    for (const bbolt::Pair& pair : pairs) OnRow(pair);
  }
  bool found() const { return found_; }  // the bucket

 private:
  void OnRow(const bbolt::Pair& pair) {
    const auto row = mvcc::DecodeRevision(pair.key);
    const auto kv = mvcc::DecodeKeyValue(pair.value);
    if (!row.has_value() || !kv.has_value()) return;
    const bool compacted = row->main <= compact_revision_;
    const auto standing = compacted
                              ? index_.OnCompacted(*row, *kv, index_.Prepare(kv->key)).standing
                              : mvcc::HashKvSum::Standing{};
    sum_.OnRow(*row, standing, pair.key, pair.value);
  }
  mvcc::KeyIndex& index_;
  mvcc::HashKvSum& sum_;
  const int64_t compact_revision_;
  bool in_key_bucket_ = false;
  bool found_ = false;
};

Status CheckAnswerable(const std::string& path, const Facts& facts, int64_t revision,
                       int64_t compact_revision) {
  const int64_t own = facts.state.CompactRevision();
  if (revision <= facts.revision && revision >= compact_revision && compact_revision >= own)
    return OkStatus();
  return Error(Reason::kUsage,
               "{}: no HashKV at revision {} compacted at {}: the file ends at revision {} and is "
               "compacted at {}. Use {} <= compact revision <= revision <= {}",
               path, revision, compact_revision, facts.revision, own, own, facts.revision);
}

}  // namespace

Result<mvcc::HashKv> HashKvOf(const Context& context, const snapshot::Image& image,
                              int64_t revision, std::optional<int64_t> compact_revision) {
  ASSIGN_OR_RETURN(const Facts facts, RequireFacts(image));
  const std::string& path = image.path();
  const int64_t at = revision == 0 ? facts.revision : revision;
  const int64_t compacted = compact_revision.value_or(facts.state.CompactRevision());
  RETURN_IF_ERROR(CheckAnswerable(path, facts, at, compacted));

  ASSIGN_OR_RETURN(mvcc::KeyIndex index, mvcc::BuildKeyIndex(*facts.database, facts.state, at,
                                                             compacted, context.random.Next()));
  mvcc::HashKvSum sum(at, compacted, index.alive_above());
  HashKvVisitor visitor(index, sum, compacted);
  // All buckets are walked, for the findings: a hash over a broken structure would be a number
  // without a meaning.
  Findings findings = image.meta_findings();
  RETURN_IF_ERROR(facts.database->WalkAll(findings, visitor));
  if (findings.errors() > 0) {
    return Error(Reason::kDamaged, "{} is damaged: {}. For all findings, run `etcdrill verify {}`",
                 path, findings.FirstError()->text, path);
  }
  if (!visitor.found()) {
    return Error(Reason::kNotProvable, "{} has no bucket key: the file is not an etcd database",
                 path);
  }
  mvcc::HashKv hashkv = sum.Finish();
  hashkv.live_keys = index.live_keys();
  return hashkv;
}

}  // namespace etcdrill::verify
