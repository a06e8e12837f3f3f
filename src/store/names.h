// The names of snapshots in a store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace etcdrill::store {

// CLUSTER-REVISION(20 digits)-YYYYMMDDThhmmssZ: sorts by cluster, then by age of the data.
std::string SnapshotName(std::string_view cluster, int64_t revision, WallTime taken);
bool IsSnapshotName(std::string_view name);
// Its first part; empty if it is no such name.
std::string_view ClusterOfName(std::string_view name);

}  // namespace etcdrill::store
