// Whose turn it is, to be drilled or to be hashed again. It follows from the store alone.
#pragma once

#include <vector>

#include "catalog/catalog.h"
#include "config/config.h"

namespace etcdrill::catalog {

// Which snapshots a drill run takes: the newest always, because it is what one would restore today;
// of the others those whose last drill lies back furthest, a part of them each time.
//
// The newest comes first. Snapshots that are not usable, or of another history, are left out; empty
// if none is.
std::vector<Manifest> PlanDrills(const Catalog& catalog, const config::DrillSample& sample,
                                 WallTime now);

// Which stored snapshots are hashed again, in turn, to find what has rotted on the disk. Each is
// due when half of the period is over since it was last hashed, so that the other half is there for
// the others before it. One that was found damaged has its turn, too: what was read may not have
// been what is on the disk, and then it is right again. One that is cut is recorded at once; one
// that is out of reach, or of which nobody knows what was found, is looked at each time. Left alone
// is what was damaged when it came.
//
// Those that are due, of the catalogue, which must outlive them; the longest waiting first.
std::vector<const CatalogEntry*> PlanScrub(const Catalog& catalog, Duration period, WallTime now);

}  // namespace etcdrill::catalog
