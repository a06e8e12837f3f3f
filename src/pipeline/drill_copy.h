// Story: can a copy be restored from where it lies? It is fetched into scratch, unpacked on the
// way, and climbs the same ladder as any snapshot; the time to fetch it is a part of the measured
// restore. The report joins the row of this machine's store, from where it goes to the sites.
#pragma once

#include "config/config.h"
#include "etcd/client.h"
#include "io/context.h"
#include "pipeline/run_drill.h"
#include "sites/copy_record.h"
#include "sites/site.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

struct DrillCopyRequest {
  sites::Site& site;
  sites::CopyRecord copy;
  config::DrillConfig config;
  etcd::Client* client = nullptr;  // of the source; null: it is not asked
  bool full_cluster = false;
  bool newest = true;  // of the usable copies at its site
};

// Never fails: whatever happens is in the report; nothing of the copy stays in scratch. Without an
// identity for an encrypted copy the drill fails with kNoIdentity, which is no verdict on it.
StoredDrill DrillCopy(const Context& context, const DrillCopyRequest& request,
                      store::LocalStore& store);

}  // namespace etcdrill::pipeline
