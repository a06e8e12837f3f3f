// Stage: a snapshot becomes a data directory that etcd starts from, without any tool of etcd's. Source: formats.md 6.
//
// The target appears whole or not at all: everything is built beside it under a temporary name, synced and renamed. The
// caller has verified the snapshot before; restore copies whatever it is given.
#pragma once

#include <string>

#include "base/status.h"
#include "io/context.h"
#include "restore/membership.h"

namespace etcdrill::restore {

struct RestoreOptions {
  std::string snapshot;
  std::string data_dir;
  MembershipOptions membership;
  bool sync = true;        // false for scratch: nothing has to survive a power loss
  bool drop_auth = false;  // switch authentication off in the copy
};

struct RestoreResult {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  uint64_t db_bytes = 0;
};

// kAlreadyExists if the target is there and not empty, kUsage for a bad membership, kDamaged if the file is no
// database.
Result<RestoreResult> Restore(const Context& context, const RestoreOptions& options);

}  // namespace etcdrill::restore
