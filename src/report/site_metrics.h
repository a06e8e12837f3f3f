// The metrics that describe what lies at each site and how the work with it goes. All of them
// follow from the view, so what was never asked of a site is absent, not 0: a site that did not
// answer must not look like an empty one.
#pragma once

#include "report/families.h"
#include "report/view.h"

namespace etcdrill::report {

// Nothing, if there is no site.
void AddSites(const View& view, Families& page);

}  // namespace etcdrill::report
