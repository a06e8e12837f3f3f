// Story: can a snapshot of a store be restored, and how long does that take? It climbs the ladder
// (ladder.h), is compared with the last restorable one before it, the source is asked what a
// restore would meet now, and the report is kept as evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "catalog/follower.h"
#include "config/config.h"
#include "etcd/client.h"
#include "io/context.h"
#include "pipeline/drill_report.h"
#include "proof/manifest.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

struct DrillRequest {
  catalog::Follower& catalog;      // of the store, for the cluster of the snapshot
  etcd::Client* client = nullptr;  // of the source; null: it is not asked
  Manifest snapshot;               // that lies in the store
  config::DrillConfig config;  // where, with which etcd, for how long, and what the data must hold
  bool full_cluster = false;   // boot three members, and add a fourth
  // Whether it was the newest usable one of its store when the drills were planned. None: by the
  // store as it is now.
  std::optional<bool> newest = {};
};

struct StoredDrill {
  DrillReport report;
  Status kept;    // whether the report is in the store, else it counts in this process only
                  // (store/unkept.h); an interrupted drill is not kept
  Status source;  // why the source said nothing
  Status at_site = OkStatus();  // why the report of a copy is not at its site, too
};

// Never fails: whatever happens is in the report. A record of damage goes with a drill that passes.
StoredDrill RunDrill(const Context& context, const DrillRequest& request, store::LocalStore& store);

// Logs why there is no advice, and why the report is not in the store.
void TellWhatIsMissing(const Context& context, const StoredDrill& drill);

// The drill that is due and has nothing to drill, as no snapshot of the store is usable: it failed,
// and its report says so of the newest one. `catalog` does not HoldsNone().
StoredDrill DrillNothing(const Context& context, const catalog::Catalog& catalog,
                         store::LocalStore& store);

// --- Phase: advice (docs/dev/adr/0014) -----------------------------------------------------------
// What somebody who restored the drilled snapshot right now would have to know: by how much to
// raise the revision, and how long it would take with as much data as there is by now.

// Asks the source, and fills in the advice of the report; `drill.source` says why there is none.
// Nothing happens if the snapshot had no keys to read, or `client` is null.
void AddAdvice(const Manifest& drilled, const etcd::Client* client, StoredDrill& drill);

// The source as it is when the drill is over.
struct SourceNow {
  int64_t revision = 0;
  uint64_t db_bytes = 0;
};

// The most that any member of our cluster says: one that lags would have the revision raised by too
// little. `known` is the cluster that the drilled snapshot is of.
Result<SourceNow> AskSource(const etcd::Client& client, std::optional<uint64_t> known);

// For a report whose snapshot was readable. No forecast if the drill did not pass.
RestoreAdvice Advise(const DrillReport& report, const SourceNow& source);

// For `snapshot restore --bump-revision`: clients that have seen any revision up to `source` must
// never see one of theirs again with other content.
uint64_t SafeBump(int64_t snapshot_revision, int64_t source_revision);

}  // namespace etcdrill::pipeline
