// Pure functions of the catalogue.
#include "catalog/plans.h"

#include <algorithm>

namespace etcdrill::catalog {

std::vector<Manifest> PlanDrills(const Catalog& catalog, const config::DrillSample& sample,
                                 WallTime now) {
  const CatalogEntry* const newest = catalog.Newest(now);
  if (newest == nullptr) return {};
  std::vector<const CatalogEntry*> older;
  for (const CatalogEntry& entry : catalog.snapshots) {
    if (&entry != newest && entry.IsUsable() && entry.Counts()) older.push_back(&entry);
  }
  // A drill of the future was at some time that nobody knows: its snapshot's turn comes as if there
  // had been none.
  const auto last_drilled = [&](const CatalogEntry* entry) {
    const bool known = entry->last_drill.has_value() && !IsFuture(entry->last_drill->finished, now);
    return known ? entry->last_drill->finished : WallTime::min();
  };
  // Of those that were never drilled, the oldest first: it is the next that retention takes away.
  std::ranges::stable_sort(older, {}, last_drilled);
  const size_t turns =
      sample.older_parts == 0 ? 0 : (older.size() + sample.older_parts - 1) / sample.older_parts;
  std::vector<Manifest> plan = {newest->manifest};
  for (size_t i = 0; i < turns; ++i) plan.push_back(older[i]->manifest);
  return plan;
}

std::vector<const CatalogEntry*> PlanScrub(const Catalog& catalog, Duration period, WallTime now) {
  constexpr Duration kDamagedTurn = std::chrono::hours(1);
  std::vector<const CatalogEntry*> due;
  for (const CatalogEntry& entry : catalog.snapshots) {
    if (entry.manifest.verdict == Verdict::kDamaged) continue;  // from the start
    const WallTime last =
        std::max(entry.LastHashed(), entry.checks.rehashed.value_or(WallTime::min()));
    // What was found damaged may have been half there, or behind a passing fault.
    const Duration turn =
        entry.state == SnapshotState::kDamaged ? std::min(period / 2, kDamagedTurn) : period / 2;
    const bool old = now - last >= turn || last > now;  // a date in the future proves nothing
    const bool unrecorded = entry.state == SnapshotState::kDamaged && !entry.problem.empty() &&
                            !entry.checks.damaged.has_value();
    const bool of_old_release =
        entry.checks.damaged.has_value() && !entry.checks.rehashed.has_value();
    if (old || unrecorded || of_old_release || entry.state == SnapshotState::kUnreadable)
      due.push_back(&entry);
  }
  std::ranges::stable_sort(due, {}, &CatalogEntry::LastHashed);
  return due;
}

}  // namespace etcdrill::catalog
