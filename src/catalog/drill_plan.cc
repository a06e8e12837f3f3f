// A pure function of the catalogue.
#include "catalog/drill_plan.h"

#include <algorithm>

namespace etcdrill::catalog {

std::vector<Manifest> PlanDrills(const Catalog& catalog, const config::DrillSample& sample) {
  const CatalogEntry* const newest = catalog.Newest();
  if (newest == nullptr) return {};
  std::vector<const CatalogEntry*> older;
  for (const CatalogEntry& entry : catalog.snapshots) {
    if (&entry != newest && entry.IsUsable() && entry.Counts()) older.push_back(&entry);
  }
  // A drill of the future was at some time that nobody knows: its snapshot's turn comes as if there
  // had been none.
  const auto last_drilled = [&](const CatalogEntry* entry) {
    const bool known =
        entry->last_drill.has_value() && !IsFuture(entry->last_drill->finished, catalog.now);
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

}  // namespace etcdrill::catalog
