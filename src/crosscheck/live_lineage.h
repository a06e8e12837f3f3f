// Does the live cluster still continue a snapshot that was taken days ago? Each member is asked for
// HashKV at the snapshot's revision, and the file is hashed as compacted as that member is: the
// recipe of docs/etcd-formats.md §5.5.
#pragma once

#include "etcd/client.h"
#include "io/context.h"
#include "verify/lineage.h"

namespace etcdrill::crosscheck {

// Asks each member of the cluster once, one after the other; it costs each a full scan. A member
// that can't be asked, and an endpoint that is not ours, is in the report, not in the status;
// kOtherCluster if nobody can tell which are.
Result<verify::LineageReport> CompareWithLiveCluster(const Context& context,
                                                     const etcd::Client& client,
                                                     const verify::Placed& older);

}  // namespace etcdrill::crosscheck
