// Drills are walked from the last one back: what the last says stands.
#include "report/tally.h"

#include <algorithm>

namespace etcdrill::report {
namespace {

constexpr int kLevelAtCapture = 3;  // a snapshot is verified before it is visible

void TakeEarlier(std::optional<WallTime>& earliest, WallTime time) {
  earliest = std::min(earliest.value_or(time), time);
}

std::optional<double> Believable(WallTime time, WallTime now) {
  return IsFuture(time, now) ? std::nullopt : std::optional(UnixSeconds(time));
}

}  // namespace

SnapshotTally TallySnapshots(const catalog::Catalog& catalog, WallTime now) {
  SnapshotTally tally;
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const Manifest& m = entry.manifest;
    ++tally.by_state[static_cast<size_t>(entry.state)];
    if (!entry.Counts()) ++tally.other_history;
    tally.bytes += m.size_bytes;
    if (IsFuture(m.taken, now)) {
      ++tally.from_future;
    } else {
      TakeEarlier(tally.oldest_taken, m.taken);
    }
    if (entry.IsUsable()) TakeEarlier(tally.oldest_hashed, entry.LastHashed());
  }
  tally.by_state[static_cast<size_t>(SnapshotState::kUnreadable)] += catalog.lost.size();
  return tally;
}

DrillTally TallyDrills(const std::vector<DrillSummary>& drills, WallTime now) {
  DrillTally tally;
  const DrillSummary* last = nullptr;
  bool passed = false;  // the one before this one, or one after that
  for (auto at = drills.rbegin(); at != drills.rend(); ++at) {
    const DrillSummary& drill = *at;
    // What would be restored today is what pages: an older one that passes must not hide a newest
    // one that fails. Whether an older one fails is told by its state.
    if (!drill.newest) continue;
    if (last == nullptr) last = &drill;
    if (tally.etcd_version.empty()) tally.etcd_version = drill.etcd_version;
    std::optional<double>& ended = drill.passed ? tally.last_success : tally.last_failure;
    if (!ended.has_value()) ended = Believable(drill.finished, now);
    if (passed) continue;
    // One that failed may not have come to every check; one that passed came to all that are asked
    // for.
    tally.checks.insert(drill.checks.begin(), drill.checks.end());
    passed = drill.passed;
    if (!passed) {
      ++tally.consecutive_failures;
    } else {
      tally.last_duration_seconds = drill.rto_seconds;
      tally.forecast_seconds = drill.forecast_seconds;
    }
  }
  if (last == nullptr) return tally;
  tally.started = Believable(last->started, now);
  tally.level = last->level_reached;
  tally.stage_seconds = last->stage_seconds;
  return tally;
}

const DrillSummary* LastDrillOfNewest(const catalog::Catalog& catalog) {
  const auto last =
      std::ranges::find_if(catalog.drills.rbegin(), catalog.drills.rend(), &DrillSummary::newest);
  return last == catalog.drills.rend() ? nullptr : &*last;
}

std::vector<std::string_view> WhyUnreadable(const catalog::Catalog& catalog) {
  std::vector<std::string_view> why;
  for (const store::LostManifest& manifest : catalog.lost) why.push_back(MessageOf(manifest.why));
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    if (entry.state == SnapshotState::kUnreadable) why.push_back(entry.problem);
  }
  for (const DrillSummary& drill : catalog.drills) {
    if (!drill.readable) why.push_back(drill.error);
  }
  return why;
}

int LevelOf(const catalog::CatalogEntry& entry) {
  const int drilled = entry.last_drill.has_value() ? entry.last_drill->level_reached : 0;
  if (entry.state == SnapshotState::kRestorable) return static_cast<int>(kTopLevel);
  if (entry.state == SnapshotState::kDamaged) return drilled;
  return std::max(entry.IsProven() ? kLevelAtCapture : 0, drilled);
}

}  // namespace etcdrill::report
