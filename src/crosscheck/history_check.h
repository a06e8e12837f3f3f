// A snapshot beside the last restorable one of its cluster. A backup of an emptied, replaced or
// rolled back cluster is a sound copy of it, and no backup of what people believe they have: so
// these are warnings, and no damage.
#pragma once

#include "catalog/catalog.h"
#include "config/config.h"
#include "io/context.h"
#include "proof/finding.h"
#include "verify/inventory.h"

namespace etcdrill::crosscheck {

// The newest restorable snapshot of the same cluster that is older than this one
// (store/manifest_file.h); null if there is none.
const Manifest* LastRestorableBefore(const catalog::Catalog& catalog [[clang::lifetimebound]],
                                     const Manifest& snapshot, WallTime now);

// Adds a finding if the revision went back, if more keys are gone than the limit allows, or if the
// cluster is another one.
void CompareManifests(const Manifest& before, const Manifest& now,
                      const config::HistoryLimits& limits, Findings& findings);

// Adds a finding for each prefix that lost more of its bytes than the limit allows. One that held
// little before is passed over: such come and go.
void ComparePrefixes(const verify::Inventory& before, const verify::Inventory& now,
                     const config::HistoryLimits& limits, Findings& findings);

// Both, for a snapshot, whose open file is `image`, and one of the store. What can't be read is not
// compared, and logged.
void CheckHistory(const Context& context, const store::LocalStore& store, const Manifest& before,
                  const Manifest& now, const snapshot::Image& image,
                  const config::HistoryLimits& limits, Findings& findings);

}  // namespace etcdrill::crosscheck
