// The metrics that describe what is in a store: snapshots, their proof, the history of drills. The
// sidecar's page has all of them, and the file of a single `verify` or `drill` (textfile.h) those
// that it knows.
#pragma once

#include <optional>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "report/families.h"
#include "report/tally.h"

namespace etcdrill::report {

// Nothing of it, if there is none.
struct NewestSnapshot {
  std::optional<double> taken;  // none, too, if that lies in the future: a clock lied
  std::optional<double> size_bytes;
  std::optional<double> revision;
  std::optional<double> keys;
};

struct NewestProof {
  std::optional<double> taken;
  std::optional<double> revision;
};

void AddNewestSnapshot(const NewestSnapshot& newest, Families& page);
void AddProof(const NewestProof& proof, Families& page);
void AddDrillStart(std::optional<double> started, Families& page);
void AddDrillHistory(const DrillTally& drills, Families& page);

// All that a store tells of its snapshots.
void AddSnapshots(const catalog::Catalog& catalog, WallTime now, Families& page);

}  // namespace etcdrill::report
