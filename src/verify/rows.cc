// See rows.h.
#include "verify/rows.h"

#include "format/mvcc/buckets.h"
#include "format/mvcc/key_index.h"
#include "format/mvcc/revision.h"
#include "verify/facts.h"

namespace etcdrill::verify {
Status ForEachRow(const Context& context, const snapshot::Image& image,
                  const std::function<void(const Row&)>& visit) {
  ASSIGN_OR_RETURN(const Facts facts, RequireFacts(image));
  // As if all of it were compacted: then the index tells of every row whether it is the newest of
  // its key.
  ASSIGN_OR_RETURN(mvcc::KeyIndex index,
                   mvcc::BuildKeyIndex(*facts.database, facts.state, facts.revision, facts.revision,
                                       context.random.Next()));
  return facts.database->ForEachPair(mvcc::kKeyBucket, {}, [&](const bbolt::Pair& pair) {
    const auto row = mvcc::DecodeRevision(pair.key);
    const auto kv = mvcc::DecodeKeyValue(pair.value);
    if (!row.has_value() || !kv.has_value()) return;
    const bool newest = index.OnCompacted(*row, *kv, index.Prepare(kv->key)).standing.newest;
    const bool alive = newest && !row->tombstone && !kv->key.empty();
    visit({*kv, pair.key.size() + pair.value.size(), alive});
  });
}

}  // namespace etcdrill::verify
