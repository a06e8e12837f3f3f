// A date in the future proves nothing.
#include "catalog/scrub_plan.h"

#include <algorithm>

namespace etcdrill::catalog {
namespace {

constexpr Duration kDamagedTurn = std::chrono::hours(1);

}  // namespace

std::vector<const CatalogEntry*> PlanScrub(const Catalog& catalog, Duration period, WallTime now) {
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
