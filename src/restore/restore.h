// Stage: a snapshot becomes a data directory that etcd starts from, without any tool of etcd's.
// Source: docs/dev/formats.md §6.
//
// The target appears whole or not at all: everything is built beside it under a temporary name,
// synced and renamed. After an error neither the data directory nor the WAL directory is there.
// Only if the disk refuses to undo as well, or power is lost meanwhile, a whole WAL directory may
// stay without its data directory, or a whole restore; what was built under a hidden name is
// removed by the next restore to the same place. Restore copies whatever it is given; the proof
// that the snapshot is sound is the caller's, before or meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "restore/database.h"
#include "restore/membership.h"

namespace etcdrill::restore {

struct RestoreOptions {
  const snapshot::Image& snapshot;
  std::string data_dir;
  std::string wal_dir;  // empty: in the data directory
  MembershipOptions membership;
  Policy policy;
  bool sync = true;  // false for scratch: nothing has to survive a power loss
  // Runs on a thread of its own while the files are written; nothing becomes visible before it
  // returned OK. Empty: the snapshot is proven already.
  std::function<Status()> proof;
  OnProgress on_progress;
};

struct RestoreResult {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  uint64_t db_bytes = 0;
  std::vector<std::string> warnings;  // what the policy dropped
};

// kAlreadyExists if the data directory is there and not empty, or the WAL directory is there;
// kUsage for a bad membership or policy; kDamaged if the file is no database; kEtcdVersion if it is
// too new; kNoSpace before the first byte is written.
Result<RestoreResult> Restore(const Context& context, const RestoreOptions& options);

}  // namespace etcdrill::restore
