// The newest row stands last in the file's order, and the compact revisions in a bucket behind it;
// both are needed first.
#include "verify/facts.h"

#include <algorithm>

#include "format/bbolt/tree.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/revision.h"
#include "format/snapshot/foreign.h"

namespace etcdrill::verify {
namespace {

Result<int64_t> NewestRow(const ReadableFile& file, const Facts& facts) {
  ASSIGN_OR_RETURN(const auto last_key,
                   bbolt::LastKey(file, facts.body, facts.meta, mvcc::kKeyBucket));
  const auto last = last_key.has_value() ? mvcc::DecodeRevision(*last_key) : std::nullopt;
  return last.has_value() ? last->main : 0;
}

}  // namespace

Result<std::optional<Facts>> ReadFacts(const snapshot::Image& image, Findings& findings) {
  const ReadableFile& file = image.reader();
  Facts facts;
  facts.body = image.body_size();
  ASSIGN_OR_RETURN(const std::optional<bbolt::Meta> meta,
                   bbolt::ReadMetas(file, facts.body, findings));
  if (!meta.has_value()) return std::optional<Facts>();
  facts.meta = *meta;
  ASSIGN_OR_RETURN(facts.state, mvcc::ReadStoreState(file, facts.body, facts.meta));
  ASSIGN_OR_RETURN(facts.newest_row, NewestRow(file, facts));
  const int64_t empty_store = 1;
  facts.revision = std::max({facts.newest_row, facts.state.CompactRevision(), empty_store});
  return std::optional(facts);
}

Result<Facts> RequireFacts(const snapshot::Image& image, Findings& findings) {
  ASSIGN_OR_RETURN(const std::optional<Facts> facts, ReadFacts(image, findings));
  if (facts.has_value()) return *facts;
  return Annotate(snapshot::WhyUnreadable(image.reader(), findings), image.path());
}

}  // namespace etcdrill::verify
