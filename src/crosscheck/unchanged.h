// Does the source hold anything that the store does not? Asked by the revision, which every write
// to a key moves, and by HashKV at it, which differs where the source was restored and written to.
// What moves neither goes unseen: users and roles, leases, members, alarms. That is why the sidecar
// does not rely on it for longer than `snapshot.force_after`.
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "etcd/client.h"

namespace etcdrill::crosscheck {

// The newest snapshot, if it is a proven one of this cluster, younger than `age_max` at `now`, and
// the source is at its revision with its HashKV. Null otherwise, also where the source has
// compacted since or can't be asked: then a snapshot is tried, and says why it fails.
const catalog::CatalogEntry* FindUnchanged(const catalog::Catalog& catalog [[clang::lifetimebound]],
                                           etcd::Client& client, std::string_view cluster,
                                           Duration age_max, WallTime now);

}  // namespace etcdrill::crosscheck
