// The `db` file of a restored member: the snapshot's pages, with those buckets rewritten that say
// who the cluster is. Planned first and written later, so that nothing is written before everything
// is known to be possible.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "format/bbolt/writer.h"
#include "io/context.h"
#include "restore/membership.h"

namespace etcdrill::restore {

// What an operator wants to be other than it was.
struct Policy {
  uint64_t bump_revision = 0;  // added to the revision; all before is marked as compacted; 0: no
  bool clear_alarms = false;
  bool drop_auth = false;
  std::string etcd_version;  // that will run on the result; empty: the snapshot's own
  bool allow_downgrade = false;
};

struct DatabasePlan {
  uint64_t body_bytes = 0;  // of the snapshot, without its trailer
  bbolt::Meta meta;
  bbolt::Edit edit;
  std::vector<std::string> warnings;  // what is dropped that an operator may miss

  uint64_t CopyBytes() const { return meta.high_water * meta.page_size; }
};

// kDamaged if the file is no database, kNotProvable if it is known to be something else,
// kEtcdVersion if it is too new for Policy::etcd_version, kUsage for a policy that makes no sense.
Result<DatabasePlan> PlanDatabase(const ReadableFile& snapshot, const NewCluster& cluster,
                                  const Policy& policy);

// Is called with the bytes done and all bytes.
using OnProgress = std::function<void(uint64_t, uint64_t)>;

// Writes `target` (0600); returns its size in bytes. kInterrupted if the context's stop is
// requested, kBusy if somebody writes to the snapshot meanwhile. After an error a part of it may be
// there: it is removed with the staged directory.
Result<uint64_t> WriteDatabase(const Context& context, const ReadableFile& snapshot,
                               const DatabasePlan& plan, const std::string& target, bool sync,
                               const OnProgress& on_progress);

}  // namespace etcdrill::restore
