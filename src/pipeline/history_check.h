// A snapshot beside the last proven one of its cluster. A backup of an emptied, replaced or rolled back cluster is a
// sound copy of it, and no backup of what people believe they have: so these are warnings, and no damage.
#pragma once

#include <optional>

#include "format/finding.h"
#include "pipeline/catalog.h"

namespace etcdrill::pipeline {

// The newest verified snapshot of the same cluster that was taken before this one; null if there is none.
const store::Manifest* LastProvenBefore(const Catalog& catalog, const store::Manifest& snapshot);

// Adds a finding if the revision went back, if more than `key_loss_max` (0 to 1) of the keys are gone, or if the
// cluster is another one.
void CheckHistory(const store::Manifest& before, const store::Manifest& now, double key_loss_max, Findings& findings);

}  // namespace etcdrill::pipeline
