// A drill of a snapshot that lies in a store: it is compared with the last restorable one before
// it, the source is asked what a restore would meet now, and the report is kept as evidence.
#pragma once

#include "catalog/catalog.h"
#include "config/config.h"
#include "etcd/client.h"
#include "pipeline/run.h"

namespace etcdrill::pipeline {

struct StoredDrill {
  DrillReport report;
  Status kept;    // whether the report is in the store, else it counts in this process only
                  // (store/unkept.h); an interrupted drill is not kept
  Status source;  // why the source said nothing
};

// `request` has a manifest of `store`. Without a client the source is not asked. A record of damage
// goes with a drill that passes.
StoredDrill DrillStored(const Context& context, const DrillRequest& request, etcd::Client* client,
                        store::LocalStore& store);

// The drill that is due and has nothing to drill, as no snapshot of the store is usable: it failed,
// and its report says so of the newest one. `catalog` does not HoldsNone().
StoredDrill DrillNothing(const Context& context, const catalog::Catalog& catalog,
                         store::LocalStore& store);

// Drills that began and never ended, because their process was killed or the machine went down:
// each is logged and gets a report of a drill that failed, once. What can't be told now is told the
// next time. For whoever is about to drill.
void TellOfKilledDrills(const Context& context, store::LocalStore& store);

}  // namespace etcdrill::pipeline
