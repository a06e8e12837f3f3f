// Newest first, and not more than people can want.
#include "sidecar/status_rows.h"

#include <algorithm>

#include "etcd/ids.h"

namespace etcdrill::sidecar {
namespace {

constexpr int kLevelAtCapture = 3;  // a snapshot is verified before it is visible

// What is proven of the data. A drill that could not boot its etcd takes nothing back of what one
// before it proved.
int LevelOf(const catalog::CatalogEntry& entry) {
  const int drilled = entry.last_drill.has_value() ? entry.last_drill->level_reached : 0;
  if (entry.state == SnapshotState::kRestorable) return static_cast<int>(kTopLevel);
  if (entry.state == SnapshotState::kDamaged) return drilled;
  return std::max(entry.IsProven() ? kLevelAtCapture : 0, drilled);
}

report::SnapshotRow ToRow(const catalog::CatalogEntry& entry) {
  const Manifest& m = entry.manifest;
  report::SnapshotRow row;
  row.name = m.name;
  row.taken = m.taken;
  row.revision = m.revision;
  row.keys = m.live_keys;
  row.size_bytes = m.size_bytes;
  row.sha256 = m.sha256;
  row.state = entry.state;
  row.level = LevelOf(entry);
  row.other_history = !entry.Counts();
  if (entry.last_drill.has_value()) row.drilled = entry.last_drill->finished;
  return row;
}

}  // namespace

report::History ToHistory(const catalog::Catalog& catalog) {
  report::History history;
  history.snapshots_total = catalog.snapshots.size();
  history.drills_total = catalog.drills.size();
  for (auto at = catalog.snapshots.rbegin(); at != catalog.snapshots.rend(); ++at) {
    if (history.snapshots.size() < report::kSnapshotRowsMax)
      history.snapshots.push_back(ToRow(*at));
  }
  for (auto at = catalog.drills.rbegin(); at != catalog.drills.rend(); ++at) {
    if (history.drills.size() < report::kDrillRowsMax) history.drills.push_back(*at);
    if (at->newest && !history.last_of_newest.has_value()) history.last_of_newest = *at;
  }
  return history;
}

report::MemberRow ToMemberRow(const std::string& endpoint, const etcd::HealthProbe& probe) {
  report::MemberRow row;
  row.endpoint = endpoint;
  row.healthy = probe.healthy;
  row.problem = probe.problem;
  row.same_as = probe.same_as;
  row.latency = probe.latency;
  if (!probe.status.has_value()) return row;
  const etcd::MemberStatus& s = *probe.status;
  row.role = s.role();
  row.version = s.version;
  row.revision = s.revision;
  row.member_id = etcd::IdText(s.member_id);
  row.cluster_id = etcd::IdText(s.cluster_id);
  row.db_size_bytes = static_cast<uint64_t>(s.db_size_bytes);
  row.db_in_use_bytes = static_cast<uint64_t>(s.db_in_use_bytes);
  return row;
}

}  // namespace etcdrill::sidecar
