// What a server booted on this file would know before it looks at the rows: how far it is
// compacted. Source: docs/dev/formats.md §5.1.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "format/bbolt/database.h"

namespace etcdrill::mvcc {

inline constexpr int64_t kNeverCompacted = -1;

struct StoreState {
  std::optional<int64_t> scheduled_compact;  // requested
  std::optional<int64_t> finished_compact;   // rows removed

  // The compact revision in force: a request counts from the moment it is recorded.
  int64_t CompactRevision() const {
    return std::max(scheduled_compact.value_or(kNeverCompacted),
                    finished_compact.value_or(kNeverCompacted));
  }
};

// Reads the two revisions from `meta`. Values that are no revisions count as absent (a finding of
// the keyspace check).
Result<StoreState> ReadStoreState(const bbolt::Database& database);

}  // namespace etcdrill::mvcc
