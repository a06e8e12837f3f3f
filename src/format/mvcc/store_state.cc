// `meta` comes after `key` in the file, but is needed before it: hence a walk of its own over that
// small bucket.
#include "format/mvcc/store_state.h"

#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"

namespace etcdrill::mvcc {

Result<StoreState> ReadStoreState(const bbolt::Database& database) {
  StoreState state;
  RETURN_IF_ERROR(database.ForEachPair(kMetaBucket, {}, [&](const bbolt::Pair& pair) {
    if (pair.key != kScheduledCompactKey && pair.key != kFinishedCompactKey) return;
    const auto revision = DecodeRevision(pair.value);
    if (!revision.has_value()) return;
    (pair.key == kScheduledCompactKey ? state.scheduled_compact : state.finished_compact) =
        revision->main;
  }));
  return state;
}

}  // namespace etcdrill::mvcc
