// The newest row stands last in the file's order, and the compact revisions in a bucket behind it;
// both are needed first.
#include "verify/facts.h"

#include <algorithm>

#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"

namespace etcdrill::verify {

Result<Facts> ReadFacts(const bbolt::Database& database) {
  Facts facts{.database = &database};
  ASSIGN_OR_RETURN(facts.state, mvcc::ReadStoreState(database));
  ASSIGN_OR_RETURN(const auto last_key, database.LastKey(mvcc::kKeyBucket));
  const auto last = last_key.has_value() ? mvcc::DecodeRevision(*last_key) : std::nullopt;
  facts.newest_row = last.has_value() ? last->main : 0;
  const int64_t empty_store = 1;
  facts.revision = std::max({facts.newest_row, facts.state.CompactRevision(), empty_store});
  return facts;
}

Result<Facts> RequireFacts(const snapshot::Image& image) {
  ASSIGN_OR_RETURN(const bbolt::Database* const database, image.database());
  if (database == nullptr) return Annotate(image.RequireDatabase().status(), image.path());
  return ReadFacts(*database);
}

}  // namespace etcdrill::verify
