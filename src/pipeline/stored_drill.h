// A drill of a snapshot that lies in a store: it is compared with the last proven one before it, the source is asked
// what a restore would meet now, and the report is kept as evidence.
#pragma once

#include "config/config.h"
#include "etcd/client.h"
#include "pipeline/run.h"

namespace etcdrill::pipeline {

struct StoredDrill {
  DrillReport report;
  Status kept;    // whether the report is in the store; an interrupted drill is not kept
  Status source;  // why the source said nothing
};

// `request` has a manifest of `store`. Without a client the source is not asked.
StoredDrill DrillStored(const Context& context, const DrillRequest& request, etcd::Client* client,
                        store::LocalStore& store);

}  // namespace etcdrill::pipeline
