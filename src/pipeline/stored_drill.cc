// What is done around a drill takes time, too; it comes after the drill, so that it is no part of the measured restore.
#include "pipeline/stored_drill.h"

#include "etcd/ids.h"
#include "pipeline/drill_evidence.h"
#include "pipeline/history_check.h"
#include "pipeline/restore_advice.h"

namespace etcdrill::pipeline {

StoredDrill DrillStored(const Context& context, const DrillRequest& request, etcd::Client* client,
                        store::LocalStore& store) {
  // As the store is before the drill: a snapshot may be added meanwhile.
  const Result<Catalog> catalog = ReadCatalog(context, store);
  StoredDrill drill{.report = RunDrill(context, request), .kept = OkStatus(), .source = OkStatus()};
  DrillReport& report = drill.report;
  if (IsInterrupted(report.outcome)) return drill;
  if (catalog.ok() && catalog->Newest() != nullptr) report.newest = catalog->Newest()->manifest.name == report.snapshot;
  if (report.verify.has_value() && report.verify->keyspace.has_value()) {
    const store::Manifest& now = *request.manifest;
    if (const store::Manifest* before = catalog.ok() ? LastProvenBefore(*catalog, now) : nullptr) {
      CheckHistory(context, store, *before, now, request.config.history, report.verify->findings);
    }
    if (client != nullptr) {
      const auto source = AskSource(*client, etcd::ParseId(now.cluster_id));
      drill.source = source.status();
      if (source.ok()) report.advice = Advise(report, *source);
    }
  }
  drill.kept =
      store.AddDrillReport(report.snapshot, report.finished,
                           [&](const std::optional<store::DrillFile>& before) { return EvidenceJson(report, before); });
  return drill;
}

}  // namespace etcdrill::pipeline
