// Which snapshots a drill run takes: the newest always, because it is what one would restore today;
// of the others those whose last drill lies back furthest, a part of them each time. So each is
// drilled in turn, and whose turn it is follows from the drill reports in the store.
#pragma once

#include <vector>

#include "catalog/catalog.h"
#include "config/config.h"

namespace etcdrill::catalog {

// The newest comes first. Snapshots that are not usable, or of another history, are left out; empty
// if none is.
std::vector<Manifest> PlanDrills(const Catalog& catalog, const config::DrillSample& sample);

}  // namespace etcdrill::catalog
