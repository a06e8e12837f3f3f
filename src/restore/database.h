// The `db` file of a restored member: the snapshot's pages, with those buckets rewritten that say
// who the cluster is. Planned first and written later, so that nothing is written before everything
// is known to be possible.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/bbolt/writer.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "restore/membership.h"

namespace etcdrill::restore {

// What an operator wants to be other than it was.
struct Policy {
  // Raises the revision by so much, and marks all before it as compacted; 0: neither.
  uint64_t bump_revision = 0;
  bool clear_alarms = false;
  bool drop_auth = false;
  std::string etcd_version;  // that will run on the result; empty: the snapshot's own
  bool allow_downgrade = false;
};

struct DatabasePlan {
  bbolt::Database source;  // of the snapshot
  bbolt::Edit edit = {};
  std::vector<std::string> warnings = {};  // what is dropped that an operator may miss
};

// kDamaged if the file is no database, kNotProvable if it is known to be something else,
// kEtcdVersion if it is too new for Policy::etcd_version, kUsage for a policy that makes no sense.
Result<DatabasePlan> PlanDatabase(const snapshot::Image& snapshot, const NewCluster& cluster,
                                  const Policy& policy);

// Is called with the bytes done and all bytes.
using OnProgress = std::function<void(uint64_t, uint64_t)>;

// Writes `target` (0600); returns its size in bytes. kInterrupted if the context's stop is
// requested, kBusy if somebody writes to the snapshot meanwhile. After an error a part of it may be
// there: it is removed with the staged directory.
Result<uint64_t> WriteDatabase(const Context& context, const snapshot::Image& snapshot,
                               const DatabasePlan& plan, const std::string& target, bool sync,
                               const OnProgress& on_progress);

// Which etcd a data directory is for, as far as files differ: the minor version of etcd 3. Up to
// 3.4, `meta` has neither term nor confState; from 3.6 on, etcd refuses a file whose storage or
// cluster version is newer than itself (docs/dev/formats.md §2.5 and §6.6).
//
// 6 from "3.6", "3.6.14" or "v3.6.14"; kUsage for what is not one of the versions that are
// supported, 3.4 to 3.7.
Result<int> ParseEtcdMinor(std::string_view version);

// What the snapshot says of itself: the cluster version or the storage version that its buckets
// name, 5 if there is a term, else 4. A storage version above the cluster version is left over from
// before a downgrade (etcd 3.5 does not remove it) and does not count. Text that is no version
// counts as absent; kEtcdVersion for one of another major version than 3.
Result<int> MinorOfSnapshot(const bbolt::BucketContent& meta, const bbolt::BucketContent& cluster);

}  // namespace etcdrill::restore
