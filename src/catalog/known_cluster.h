// Which cluster do the snapshots of a store say is theirs? What has been backed up under a name
// goes on being backed up under it for as long as somebody answers for it:
// docs/adr/0021-whose-cluster.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "etcd/ids.h"
#include "proof/manifest.h"
#include "verify/report.h"

namespace etcdrill::catalog {

// The cluster id of the newest one that was taken of a cluster with this name and is not damaged;
// none if none tells. `snapshots` have a `manifest`, oldest first.
template <typename Snapshots>
std::optional<uint64_t> KnownCluster(const Snapshots& snapshots, std::string_view cluster) {
  for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at) {
    const Manifest& m = at->manifest;
    if (m.cluster != cluster || m.verdict == Verdict::kDamaged) continue;
    if (const auto id = etcd::ParseId(m.cluster_id)) return id;
  }
  return std::nullopt;
}

}  // namespace etcdrill::catalog
