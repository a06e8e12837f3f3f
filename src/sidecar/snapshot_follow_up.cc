// Where the store can't be read, ClusterState::Refresh tells it.
#include "sidecar/snapshot_follow_up.h"

#include <vector>

#include "catalog/retention.h"
#include "crosscheck/live_head.h"
#include "proof/receipt_view.h"
#include "sidecar/decisions.h"

namespace etcdrill::sidecar {
namespace {

void LogLineage(const Context& run, const Manifest& m) {
  if (!m.lineage.has_value()) return;
  const LineageRecord& l = *m.lineage;
  const auto took =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(l.duration_seconds));
  if (LineageOf(m) == Continuity::kDiverged) {
    run.log.Error(
        "cluster diverged from stored snapshots",
        {{"snapshot", m.name},
         {"older", l.older},
         {"err", l.text},
         {"duration_seconds", took},
         {"hint", "restored from an older backup, or a different cluster: compare cluster_id"}});
  } else {
    run.log.Info("lineage checked", {{"snapshot", m.name},
                                     {"older", l.older},
                                     {"result", NameOf(l.result)},
                                     {"text", l.text},
                                     {"duration_seconds", took}});
  }
}

}  // namespace

bool SnapshotFollowUp::ConfirmUnchanged(const Context& run, const Generation& by,
                                        Duration age_max) {
  const auto catalog = state_.Refresh(run);
  if (!catalog.ok()) return false;
  if (state_.MembersDisagree()) return false;  // whoever answers may be the corrupt one
  const WallTime now = run.clock.Now();
  const catalog::CatalogEntry* same =
      crosscheck::FindUnchanged(**catalog, by.client(), state_.cluster(), age_max, now);
  if (same == nullptr) return false;
  const Status kept = state_.store().UpdateChecks(
      same->manifest.name, [now](Checks& checks) { checks.confirmed = now; });
  if (!kept.ok()) return false;  // what can't be kept must not count; a snapshot will tell why
  metrics_.SnapshotSkippedUnchanged();
  run.log.Info("snapshot skipped", {{"reason", "unchanged"},
                                    {"snapshot", same->manifest.name},
                                    {"revision", same->manifest.revision}});
  state_.Refresh(run).status().IgnoreError();
  return true;
}

void SnapshotFollowUp::Report(const Context& run, const Generation& by,
                              const Result<pipeline::SnapshotOutcome>& outcome,
                              uint64_t received_bytes) {
  const Status result = outcome.ok() ? outcome->verdict : outcome.status();
  if (IsInterrupted(result)) return;
  if (result.ok()) {
    metrics_.SnapshotSucceeded(outcome->manifest.duration_seconds, received_bytes);
    LogSuccess(run, *outcome);
  } else {
    metrics_.SnapshotFailed(ReasonOf(result), UnixSeconds(run.clock.Now()));
    run.log.Error("snapshot failed",
                  {{"reason", InfoOf(ReasonOf(result)).name}, {"err", MessageOf(result)}});
  }
  DeleteSurplus(run, by);  // after a failure, too: there may be no space because it was not done
}

void SnapshotFollowUp::LogSuccess(const Context& run, const pipeline::SnapshotOutcome& outcome) {
  const Manifest& m = outcome.manifest;
  run.log.Info(m.adopted.has_value() ? "snapshot adopted" : "snapshot taken",
               {{"snapshot", m.name},
                {"revision", m.revision},
                {"keys", m.live_keys},
                {"size_bytes", m.size_bytes},
                {"verdict", NameOf(m.verdict)},
                {m.adopted.has_value() ? "file" : "endpoint",
                 m.adopted.has_value() ? m.adopted->path : m.endpoint},
                {"chosen", m.chosen}});
  if (const auto found = DisagreementOf(m); !found.text.empty()) {
    run.log.Error("members disagree", {{"snapshot", m.name}, {"err", found.text}});
  }
  LogLineage(run, m);
  std::unique_lock lock(mutex_);
  const std::vector<Finding> warnings = NewWarnings(outcome.verify.findings.kept(), told_warnings_);
  lock.unlock();
  for (const Finding& warning : warnings) {
    run.log.Warn("snapshot warning",
                 {{"snapshot", m.name}, {"finding", warning.code}, {"err", warning.text}});
  }
}

void SnapshotFollowUp::DeleteSurplus(const Context& run, const Generation& by) {
  store::LocalStore& store = state_.store();
  store.Tidy().IgnoreError();  // why the store can't be read is told below
  const auto catalog = state_.Refresh(run);
  if (!catalog.ok()) return;
  bool any = false;
  for (const catalog::RetentionDecision& d : catalog::PlanRetention(
           **catalog, by.config().snapshot.retention, run.clock.Now(), state_.Copies())) {
    if (!catalog::Goes(d.fate)) continue;
    const std::string& name = d.snapshot->manifest.name;
    const Status deleted = store.Delete(name);
    any = any || deleted.ok();
    if (deleted.ok()) {
      metrics_.SnapshotDeleted(d.fate);
      run.log.Info("snapshot deleted", {{"snapshot", name}, {"reason", NameOf(d.fate)}});
    } else if (ReasonOf(deleted) != Reason::kBusy &&
               ReasonOf(deleted) != Reason::kNotFound) {  // its turn comes again
      metrics_.DeletionFailed();
      run.log.Error("snapshot not deleted", {{"snapshot", name}, {"err", MessageOf(deleted)}});
    }
  }
  if (any) state_.Refresh(run).status().IgnoreError();
}

}  // namespace etcdrill::sidecar
