// Every row of a snapshot's `key` bucket, in the order of revisions, with the answer to whether it
// is what its key holds now. For questions about the content; the checks of the ladder have a
// faster walk of their own.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"
#include "format/mvcc/key_value.h"
#include "format/snapshot/image.h"

namespace etcdrill::verify {

struct Row {
  const mvcc::KeyValueView& kv;  // valid during the call
  uint64_t stored_bytes = 0;     // of key and value in the bucket
  bool alive = false;  // the newest row of its key; no delete, no mark of a --bump-revision
};

// Of a file whose structure is sound (its VerifyReport has a keyspace): two passes, one over the
// rows above the last compaction, for the newest of each key, and one over all.
Status ForEachRow(const Context& context, const snapshot::Image& image,
                  const std::function<void(const Row&)>& visit);

}  // namespace etcdrill::verify
