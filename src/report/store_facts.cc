// What is not known, or comes from the future, is absent.
#include "report/store_facts.h"

#include <algorithm>

#include "proof/receipt_view.h"

namespace etcdrill::report {
namespace {

std::optional<double> Believable(WallTime time, WallTime now) {
  return IsFuture(time, now) ? std::nullopt : std::optional(UnixSeconds(time));
}

void AddSnapshotFacts(const catalog::Catalog& catalog, StoreFacts& facts) {
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const Manifest& m = entry.manifest;
    if (!entry.Counts()) ++facts.other_history;
    facts.bytes += static_cast<double>(m.size_bytes);
    if (const auto taken = Believable(m.taken, catalog.now)) {
      facts.oldest_taken = std::min(facts.oldest_taken.value_or(*taken), *taken);
    } else {
      ++facts.from_future;
    }
    if (entry.IsUsable()) {
      const double hashed = UnixSeconds(entry.LastHashed());
      facts.oldest_hashed = std::min(facts.oldest_hashed.value_or(hashed), hashed);
    }
    if (entry.state == SnapshotState::kUntested) ++facts.untested;
    if (entry.state == SnapshotState::kRestorable) ++facts.restorable;
    if (entry.state == SnapshotState::kDamaged) ++facts.damaged;
    if (entry.state == SnapshotState::kUnreadable) ++facts.unreadable;
  }
  const auto as_of = [&](const catalog::CatalogEntry& entry) {
    const auto time = entry.AsOf(catalog.now);
    return time.has_value() ? std::optional(UnixSeconds(*time)) : std::nullopt;
  };
  if (const catalog::CatalogEntry* restorable = catalog.NewestRestorable()) {
    facts.restorable_taken = as_of(*restorable);
    facts.restorable_revision = static_cast<double>(restorable->manifest.revision);
  }
  if (const catalog::CatalogEntry* newest = catalog.Newest()) {
    const Manifest& m = newest->manifest;
    facts.newest = {as_of(*newest), m.duration_seconds, static_cast<double>(m.size_bytes),
                    static_cast<double>(m.revision), static_cast<double>(m.live_keys)};
    const auto lineage = LineageOf(m);
    if (lineage == Continuity::kContinues) facts.lineage_diverged = false;
    if (lineage == Continuity::kDiverged) facts.lineage_diverged = true;
  }
}

void AddDrillFacts(const catalog::Catalog& catalog, StoreFacts& facts) {
  for (const DrillSummary& drill : catalog.drills) {
    const auto finished = Believable(drill.finished, catalog.now);
    // What would be restored today is what pages: an older one that passes must not hide a newest
    // one that fails. Whether an older one fails is told by its state.
    if (!drill.newest) continue;
    facts.drill_started = Believable(drill.started, catalog.now);
    facts.drill_level = drill.level_reached;
    facts.drill_stage_seconds = drill.stage_seconds;
    if (!drill.etcd_version.empty()) facts.drill_etcd_version = drill.etcd_version;
    // One that failed may not have come to every check; one that passed came to all that are asked
    // for.
    if (drill.passed) facts.drill_checks.clear();
    for (const auto& [name, passed] : drill.checks) facts.drill_checks[name] = passed;
    if (drill.passed) {
      facts.drill_consecutive_failures = 0;
      if (finished.has_value()) facts.drill_last_success = finished;
      facts.drill_last_duration_seconds = drill.rto_seconds;
      facts.drill_forecast_seconds = drill.forecast_seconds;
    } else {
      ++facts.drill_consecutive_failures;
      if (finished.has_value()) facts.drill_last_failure = finished;
    }
  }
}

// A disagreement in a receipt is over once nobody is a suspect any more. Where nobody held the
// same, nobody became one, and only another snapshot tells. None: nobody can tell.
std::optional<bool> ConsistencyOf(const catalog::Catalog& catalog) {
  if (catalog.suspects.has_value() && !catalog.suspects->empty()) return false;
  const auto newest =
      std::find_if(catalog.snapshots.rbegin(), catalog.snapshots.rend(),
                   [](const catalog::CatalogEntry& entry) { return entry.Counts(); });
  if (newest == catalog.snapshots.rend()) return std::nullopt;
  const std::optional<bool> agreed = MembersAgreed(newest->manifest);
  if (!catalog.suspects_problem.empty() && agreed == true)
    return std::nullopt;  // somebody else may be one
  const bool settled = catalog.suspects.has_value() && !SidesOf(newest->manifest).empty();
  return agreed == false && settled ? std::nullopt : agreed;
}

}  // namespace

StoreFacts ToStoreFacts(const catalog::Catalog& catalog) {
  StoreFacts facts;
  facts.of_others = static_cast<double>(catalog.of_others);
  AddSnapshotFacts(catalog, facts);
  AddDrillFacts(catalog, facts);
  facts.unkept = catalog.unkept;
  facts.unreadable += static_cast<double>(catalog.lost.size());
  for (const store::LostManifest& manifest : catalog.lost)
    facts.lost.emplace_back(MessageOf(manifest.why));
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    if (entry.state == SnapshotState::kUnreadable) facts.lost.push_back(entry.problem);
  }
  for (const DrillSummary& drill : catalog.drills) {
    if (!drill.readable) facts.lost.push_back(drill.error);
  }
  facts.suspects_problem = catalog.suspects_problem;
  facts.hashkv_consistent = ConsistencyOf(catalog);
  return facts;
}

}  // namespace etcdrill::report
