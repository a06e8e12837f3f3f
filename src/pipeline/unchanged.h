// Does the source hold anything that the store does not? Asked by the revision, which every write to a key moves. What
// does not move it goes unseen: users and roles, leases, members, alarms. That is why the sidecar does
// not rely on it for longer than `snapshot.force_after`.
#pragma once

#include <string>

#include "etcd/client.h"
#include "pipeline/catalog.h"

namespace etcdrill::pipeline {

// The newest snapshot, if it is a proven one of this cluster, younger than `age_max` at `now`, and at the revision
// of the source; null otherwise, also where the source can't be asked: then a snapshot is tried, and says why it fails.
const CatalogEntry* FindUnchanged(const Catalog& catalog [[clang::lifetimebound]], etcd::Client& client,
                                  std::string_view cluster, Duration age_max, WallTime now);

}  // namespace etcdrill::pipeline
