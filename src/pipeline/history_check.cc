// Three comparisons of two manifests.
#include "pipeline/history_check.h"

#include <fmt/format.h>

#include "format/finding_codes.h"

namespace etcdrill::pipeline {

const store::Manifest* LastProvenBefore(const Catalog& catalog, const store::Manifest& snapshot) {
  for (auto entry = catalog.snapshots.rbegin(); entry != catalog.snapshots.rend(); ++entry) {
    const store::Manifest& m = entry->manifest;
    if (entry->state == SnapshotState::kVerified && m.cluster == snapshot.cluster && m.taken < snapshot.taken)
      return &m;
  }
  return nullptr;
}

void CheckHistory(const store::Manifest& before, const store::Manifest& now, double key_loss_max, Findings& findings) {
  const auto warn = [&](std::string_view code, std::string text) {
    findings.Add({code, Severity::kWarning, std::nullopt, std::nullopt, std::move(text)});
  };
  if (now.revision < before.revision) {
    warn(codes::kHistoryRevision,
         fmt::format(
             "it ends at revision {}, {} before it at {}: the cluster was restored from an older backup, or this "
             "comes from a member that lags",
             now.revision, before.name, before.revision));
  }
  const double kept =
      before.live_keys == 0 ? 1 : static_cast<double>(now.live_keys) / static_cast<double>(before.live_keys);
  if (kept < 1 - key_loss_max) {
    warn(codes::kHistoryKeys,
         fmt::format(
             "it has {} keys, {} before it {}: {:.0f} % are gone, at most {:.0f} % are expected to go between two "
             "snapshots (drill.history.max_key_loss)",
             now.live_keys, before.name, before.live_keys, (1 - kept) * 100, key_loss_max * 100));
  }
  if (!now.cluster_id.empty() && !before.cluster_id.empty() && now.cluster_id != before.cluster_id) {
    warn(codes::kHistoryCluster,
         fmt::format("it is of cluster {}, {} before it of cluster {}: another cluster, or a restored one",
                     now.cluster_id, before.name, before.cluster_id));
  }
}

}  // namespace etcdrill::pipeline
