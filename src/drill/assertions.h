// What the user demands of the restored data, asked of the booted etcd at the snapshot's revision: a restored cluster
// without a pod, or without kube-system, is no backup of the cluster, however sound its bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "config/config.h"
#include "drill/result.h"
#include "etcd/scratch_client.h"

namespace etcdrill::drill {

// One check for all of them; what does not hold is named in `actual`. A value is never part of it.
Check CheckAssertions(const etcd::ScratchClient& client, const std::vector<config::Assertion>& assertions,
                      int64_t revision);

}  // namespace etcdrill::drill
