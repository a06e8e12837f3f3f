// The newest revision of the source, read through the whole cluster: a member that lags behind
// would name an older one.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "etcd/client.h"

namespace etcdrill::pipeline {

// kEtcdError if the endpoint is of another cluster, which has nothing to say.
Result<int64_t> ReadHead(const etcd::Endpoint& endpoint, uint64_t cluster_id);

}  // namespace etcdrill::pipeline
