// What the store knows, boiled down: the state of each snapshot and the history of drills. Everything that must survive
// a restart is derived here from files, so that no metric and no listing depends on how long the process has run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/drill_report.h"
#include "report/metrics.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

enum class SnapshotState { kUnverified, kVerified, kFailed };
std::string_view StateName(SnapshotState state);

struct CatalogEntry {
  store::Manifest manifest;
  SnapshotState state = SnapshotState::kUnverified;
  store::Checks checks;
  std::string problem;  // why its file can't be what was stored, if that shows at first sight
  std::optional<DrillSummary> last_drill;
  std::optional<WallTime> failed_since;  // when it was found to be damaged

  // To level 3 when it was taken, and nothing was found since.
  bool IsProven() const;
  // The moment whose data it holds: when it was taken, or last found to be all that the source held.
  WallTime AsOf() const;
  // When its bytes were last known to be right: at the last scrub, else when it was taken.
  WallTime LastHashed() const { return checks.hashed.value_or(manifest.taken); }
};

struct Catalog {
  std::vector<CatalogEntry> snapshots;  // oldest first
  std::vector<DrillSummary> drills;     // oldest first

  // The newest snapshot that is not known to be wrong; null if there is none.
  const CatalogEntry* Newest() const;
};

Result<Catalog> ReadCatalog(const Context& context, const store::LocalStore& store);

report::StoreFacts ToStoreFacts(const Catalog& catalog);

// The snapshot that a word of the command line names: a name, "latest" (not known to be wrong), "latest-verified" or
// "random". kNotFound, with what there is, if none fits.
Result<store::Manifest> SelectSnapshot(const Context& context, const Catalog& catalog, std::string_view word);

}  // namespace etcdrill::pipeline
