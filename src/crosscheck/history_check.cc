// Comparisons of two manifests, and of what two files hold by prefix.
#include "crosscheck/history_check.h"

#include <map>

#include "base/units.h"
#include "proof/finding_codes.h"
#include "store/manifest_file.h"

namespace etcdrill::crosscheck {
namespace {

constexpr uint64_t kPrefixBytesMin = uint64_t{1} << 20;

// What is left of `before`, from 0 to 1 or more.
double Kept(uint64_t before, uint64_t now) {
  return before == 0 ? 1 : static_cast<double>(now) / static_cast<double>(before);
}

}  // namespace

const Manifest* LastRestorableBefore(const catalog::Catalog& catalog, const Manifest& snapshot,
                                     WallTime now) {
  for (auto entry = catalog.snapshots.rbegin(); entry != catalog.snapshots.rend(); ++entry) {
    const Manifest& m = entry->manifest;
    const bool same_cluster = m.cluster == snapshot.cluster;
    if (entry->state == SnapshotState::kRestorable && entry->Counts() && same_cluster &&
        store::IsOlder(m, snapshot, now))
      return &m;
  }
  return nullptr;
}

void CompareManifests(const Manifest& before, const Manifest& now,
                      const config::HistoryLimits& limits, Findings& findings) {
  if (now.revision < before.revision) {
    findings.Warn(codes::kHistoryRevision,
                  "the snapshot ends at revision {}, the earlier {} at {}: the cluster was "
                  "restored from an older backup, or this snapshot is of a member that was behind",
                  now.revision, before.name, before.revision);
  }
  if (const double kept = Kept(before.live_keys, now.live_keys); kept < 1 - limits.key_loss_max) {
    findings.Warn(codes::kHistoryKeys,
                  "the snapshot has {} keys, the earlier {} has {}: {:.0f} % are lost, at most "
                  "{:.0f} % are expected between two snapshots (drill.history.max_key_loss)",
                  now.live_keys, before.name, before.live_keys, (1 - kept) * 100,
                  limits.key_loss_max * 100);
  }
  if (!now.cluster_id.empty() && !before.cluster_id.empty() &&
      now.cluster_id != before.cluster_id) {
    findings.Warn(codes::kHistoryCluster,
                  "the snapshot is of cluster {}, the earlier {} of cluster {}: a different or "
                  "restored cluster",
                  now.cluster_id, before.name, before.cluster_id);
  }
}

void ComparePrefixes(const verify::Inventory& before, const verify::Inventory& now,
                     const config::HistoryLimits& limits, Findings& findings) {
  std::map<std::string, uint64_t> bytes_now;
  for (const verify::InventoryGroup& group : now.prefixes)
    bytes_now[group.name] = group.live_value_bytes;
  for (const verify::InventoryGroup& group : before.prefixes) {
    const uint64_t left = bytes_now[group.name];
    const double kept = Kept(group.live_value_bytes, left);
    if (group.live_value_bytes < kPrefixBytesMin || kept >= 1 - limits.prefix_loss_max) continue;
    findings.Warn(codes::kHistoryPrefix,
                  "{} has {}, in the last restorable snapshot {}: {:.0f} % are lost, at most "
                  "{:.0f} % are expected between two snapshots (drill.history.max_prefix_loss)",
                  group.name, FormatSize(left), FormatSize(group.live_value_bytes),
                  (1 - kept) * 100, limits.prefix_loss_max * 100);
  }
}

void CheckHistory(const Context& context, const store::LocalStore& store, const Manifest& before,
                  const Manifest& now, const snapshot::Image& image,
                  const config::HistoryLimits& limits, Findings& findings) {
  CompareManifests(before, now, limits, findings);
  const auto take_old = [&]() -> Result<verify::Inventory> {
    ASSIGN_OR_RETURN(const auto old,
                     snapshot::Image::Open(context, store.SnapshotPath(before.name)));
    return verify::TakeInventory(context, old);
  };
  const auto old_inventory = take_old();
  const auto inventory = verify::TakeInventory(context, image);
  if (old_inventory.ok() && inventory.ok()) {
    ComparePrefixes(*old_inventory, *inventory, limits, findings);
  } else {
    const Status& problem = old_inventory.ok() ? inventory.status() : old_inventory.status();
    context.log.Warn(
        "history check skipped",
        {{"snapshot", now.name}, {"before", before.name}, {"err", MessageOf(problem)}});
  }
}

}  // namespace etcdrill::crosscheck
