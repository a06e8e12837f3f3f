// The newest revision of the source, and whether the store has it. It is read through the whole
// cluster: a member that lags behind would name an older one, and say that nothing is new.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "catalog/catalog.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"

namespace etcdrill::crosscheck {

// kEtcdError if the endpoint is of another cluster, which has nothing to say.
Result<int64_t> ReadHead(const etcd::Endpoint& endpoint, uint64_t cluster_id);

// By any member that answers.
Result<int64_t> ReadHead(const etcd::Client& client, const etcd::RollCall& roll);

// Does the source hold anything that the store does not? Asked by the revision, which every write
// to a key moves, and by HashKV at it, which differs where the source was restored and written to.
// What moves neither goes unseen: users and roles, leases, members, alarms. That is why the sidecar
// does not rely on it for longer than `snapshot.force_after`.
//
// The newest snapshot, if it is a proven one of this cluster, younger than `age_max` at `now`, and
// the source is at its revision with its HashKV. Null otherwise, also where the source has
// compacted since or can't be asked: then a snapshot is tried, and says why it fails.
const catalog::CatalogEntry* FindUnchanged(const catalog::Catalog& catalog [[clang::lifetimebound]],
                                           etcd::Client& client, std::string_view cluster,
                                           Duration age_max, WallTime now);

}  // namespace etcdrill::crosscheck
