// What has to be known of a snapshot file before its pages are walked: which meta counts, how far
// it is compacted, at which revision it ends.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "format/mvcc/store_state.h"
#include "format/snapshot/image.h"

namespace etcdrill::verify {

struct Facts {
  const bbolt::Database* database = nullptr;  // of the image
  mvcc::StoreState state;
  int64_t newest_row = 0;  // its revision; 0 if there is none
  int64_t revision = 0;    // at which a server booted on the file would be

  // The rows end below a compaction under way, which removed those at its revision. etcd before
  // 3.4.32 and 3.5.14 then forgets the compaction at its next start, goes back to the newest row,
  // and makes those revisions anew (etcd#17780): nobody can tell by the file which revision its
  // server is at.
  bool MayGoBack() const {
    return newest_row < state.CompactRevision() &&
           state.finished_compact.value_or(0) < state.CompactRevision();
  }
};

// The status is for a failure to read. `database` must outlive the facts.
Result<Facts> ReadFacts(const bbolt::Database& database);

// For those who need the facts to go on: the error is that of Image::RequireDatabase, with the
// path.
Result<Facts> RequireFacts(const snapshot::Image& image [[clang::lifetimebound]]);

}  // namespace etcdrill::verify
