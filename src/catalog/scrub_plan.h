// Which stored snapshots are hashed again, in turn, to find what has rotted on the disk. Each is
// due when half of the period is over since it was last hashed, so that the other half is there for
// the others before it. One that was found damaged has its turn, too: what was read may not have
// been what is on the disk, and then it is right again. One that is cut is recorded at once; one
// that is out of reach, or of which nobody knows what was found, is looked at each time. Left alone
// is what was damaged when it came.
#pragma once

#include <vector>

#include "catalog/catalog.h"

namespace etcdrill::catalog {

// Those that are due, of the catalogue, which must outlive them; the longest waiting first.
std::vector<const CatalogEntry*> PlanScrub(const Catalog& catalog, Duration period, WallTime now);

}  // namespace etcdrill::catalog
