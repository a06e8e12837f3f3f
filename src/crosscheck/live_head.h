// The newest revision of the source, read through the whole cluster: a member that lags behind
// would name an older one.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"

namespace etcdrill::crosscheck {

// kEtcdError if the endpoint is of another cluster, which has nothing to say.
Result<int64_t> ReadHead(const etcd::Endpoint& endpoint, uint64_t cluster_id);

// By any member that answers.
Result<int64_t> ReadHead(const etcd::Client& client, const etcd::RollCall& roll);

}  // namespace etcdrill::crosscheck
