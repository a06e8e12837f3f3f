// Which drills say something of the copies of a site, in one order. Those of a copy count as they
// are. Others ran on other files: that one passed proves nothing here, but what it found wrong in
// the right bytes is wrong wherever these bytes lie.
#pragma once

#include <vector>

#include "base/clock.h"
#include "proof/drill_summary.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {

// A drill that ran elsewhere stands here once for each copy of the bytes that it found wrong,
// unless its writer says in the checks of such a copy that this is answered.
std::vector<DrillSummary> DrillsOfCopies(const SiteState& state, WallTime now);

// Whether it ran on the copy that it is said to be of.
bool RanOnTheCopy(const DrillSummary& drill);

}  // namespace etcdrill::sites
