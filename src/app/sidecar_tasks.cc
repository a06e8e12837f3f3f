// The tasks. A run that a stop request ended is neither a success nor a failure: nothing is counted or kept of
// it.
#include "app/sidecar_tasks.h"

#include <fmt/format.h>

#include "app/status_rows.h"
#include "etcd/health.h"
#include "pipeline/catalog.h"
#include "pipeline/drill_plan.h"
#include "pipeline/member_consistency.h"
#include "pipeline/receipt_check.h"
#include "pipeline/retention.h"
#include "pipeline/run.h"
#include "pipeline/scrub.h"
#include "pipeline/unchanged.h"

namespace etcdrill::app {
namespace {

std::string FailedStage(const pipeline::DrillReport& report) {
  for (const pipeline::Stage& stage : report.stages) {
    if (stage.result == pipeline::StageResult::kFail) return stage.name;
  }
  // The time ran out between two stages: the first that was skipped is the one that failed.
  for (const pipeline::Stage& stage : report.stages) {
    if (stage.result == pipeline::StageResult::kSkipped) return stage.name;
  }
  return std::string(pipeline::kSelectStage);
}

bool CleanedUp(const pipeline::DrillReport& report) {
  return !report.stages.empty() && report.stages.back().result == pipeline::StageResult::kPass;
}

bool Interrupted(const Status& status) { return !status.ok() && ReasonOf(status) == Reason::kInterrupted; }

report::SourceFacts::Member ToMember(const etcd::MemberStatus& s) {
  const auto number = [](auto n) { return static_cast<double>(n); };
  report::SourceFacts::Member member{.cluster_id = fmt::format("{:x}", s.cluster_id),
                                     .member_id = fmt::format("{:x}", s.member_id),
                                     .version = s.version,
                                     .revision = number(s.revision),
                                     .db_size_bytes = number(s.db_size_bytes),
                                     .db_in_use_bytes = number(s.db_in_use_bytes),
                                     .raft_term = number(s.raft_term),
                                     .raft_index = number(s.raft_index),
                                     .raft_applied_index = number(s.raft_applied_index),
                                     .is_leader = s.is_leader(),
                                     .is_learner = s.is_learner};
  if (s.db_quota_bytes > 0) member.db_quota_bytes = number(s.db_quota_bytes);
  return member;
}

}  // namespace

Result<SidecarTasks::LastRuns> SidecarTasks::ReadStore() {
  const Result<pipeline::Catalog> read = pipeline::ReadCatalog(context_, store_);
  if (!read.ok()) {
    board_.StoreIsUnreadable(std::string(MessageOf(read.status())));
    return read.status();
  }
  const pipeline::Catalog& catalog = *read;
  metrics_.SetStore(pipeline::ToStoreFacts(catalog));
  board_.SetHistory(ToHistory(catalog));
  {
    const std::lock_guard lock(mutex_);
    ++store_reads_;
    last_adopted_ = pipeline::LastAdopted(catalog);
  }
  store_read_.notify_all();
  LastRuns last;
  if (const pipeline::CatalogEntry* newest = catalog.Newest()) last.snapshot = newest->AsOf();
  if (!catalog.drills.empty()) last.drill = catalog.drills.back().finished;
  return last;
}

void SidecarTasks::RefreshMetrics() {
  const Status read = ReadStore().status();
  if (!read.ok()) context_.log.Error("the store can't be read", {{"err", MessageOf(read)}});
}

// If the source holds nothing that the store does not, this moment is as good as that of a new snapshot.
bool SidecarTasks::ConfirmUnchanged(Duration age_max) {
  const auto catalog = pipeline::ReadCatalog(context_, store_);
  if (!catalog.ok()) return false;
  const WallTime now = context_.clock.Now();
  const pipeline::CatalogEntry* same = pipeline::FindUnchanged(*catalog, client_, config_.cluster.name, age_max, now);
  if (same == nullptr) return false;
  const Status kept =
      store_.UpdateChecks(same->manifest.name, [now](store::Checks& checks) { checks.confirmed = now; });
  if (!kept.ok()) return false;  // what can't be kept must not count: a snapshot will tell what is wrong
  metrics_.SnapshotSkippedUnchanged();
  context_.log.Info(
      "snapshot skipped",
      {{"reason", "unchanged"}, {"snapshot", same->manifest.name}, {"revision", same->manifest.revision}});
  RefreshMetrics();
  return true;
}

void SidecarTasks::TakeDueSnapshot() {
  if (config_.snapshot.skip_unchanged && ConfirmUnchanged(config_.snapshot.force_after)) return;
  TakeSnapshot();
}

void SidecarTasks::TakeSnapshot() {
  metrics_.SnapshotStarted();
  const auto outcome = pipeline::TakeSnapshot(
      context_, {.client = client_, .cluster = config_.cluster.name, .timeout = config_.snapshot.timeout}, store_);
  ReportSnapshot(outcome, outcome.ok() ? outcome->manifest.size_bytes : 0);
}

void SidecarTasks::Adopt() {
  std::unique_lock lock(mutex_);
  const std::optional<WallTime> last = last_adopted_;
  lock.unlock();
  const auto file = foreign_.FindNew(last);
  if (!file.has_value()) return;
  const auto outcome =
      pipeline::AdoptSnapshot(context_, {.client = client_, .cluster = config_.cluster.name}, *file, store_);
  if (!outcome.ok() && ReasonOf(outcome.status()) == Reason::kBusy) return;  // once it is quiet again
  foreign_.Ignore(*file);
  if (!outcome.ok() && ReasonOf(outcome.status()) == Reason::kAlreadyExists) {
    if (!ConfirmUnchanged(Duration::max())) {  // the file has the same users, leases and members, too
      context_.log.Warn("a new file holds an old snapshot",
                        {{"file", file->path}, {"err", MessageOf(outcome.status())}});
    }
    return;
  }
  metrics_.SnapshotStarted();
  ReportSnapshot(outcome, 0);
}

void SidecarTasks::ReportSnapshot(const Result<pipeline::SnapshotOutcome>& outcome, uint64_t received_bytes) {
  const Status result = outcome.ok() ? outcome->verdict : outcome.status();
  if (Interrupted(result)) return;
  if (result.ok()) {
    const store::Manifest& m = outcome->manifest;
    metrics_.SnapshotSucceeded(m.duration_seconds, received_bytes);
    context_.log.Info(
        m.adopted.has_value() ? "snapshot adopted" : "snapshot taken",
        {{"snapshot", m.name},
         {"revision", m.revision},
         {"keys", m.live_keys},
         {"size_bytes", m.size_bytes},
         {"verdict", m.verdict},
         {m.adopted.has_value() ? "file" : "endpoint", m.adopted.has_value() ? m.adopted->path : m.endpoint},
         {"chosen", m.chosen}});
    if (const auto found = pipeline::DisagreementOf(m); !found.text.empty()) {
      context_.log.Error("members disagree", {{"snapshot", m.name}, {"err", found.text}});
    }
    LogLineage(m);
  } else {
    metrics_.SnapshotFailed(ReasonOf(result), UnixSeconds(context_.clock.Now()));
    context_.log.Error("snapshot failed", {{"reason", InfoOf(ReasonOf(result)).name}, {"err", MessageOf(result)}});
  }
  DeleteSurplus();  // after a failure, too: there may be no space because it was not done
  RefreshMetrics();
}

void SidecarTasks::DeleteSurplus() {
  const auto catalog = pipeline::ReadCatalog(context_, store_);
  if (!catalog.ok()) return;  // said by RefreshMetrics
  for (const pipeline::RetentionDecision& d :
       pipeline::PlanRetention(*catalog, config_.snapshot.retention, context_.clock.Now())) {
    if (!pipeline::Goes(d.fate)) continue;
    const std::string& name = d.snapshot->manifest.name;
    const Status deleted = store_.Delete(name);
    if (deleted.ok()) {
      metrics_.SnapshotDeleted(pipeline::FateName(d.fate));
      context_.log.Info("snapshot deleted", {{"snapshot", name}, {"reason", pipeline::FateName(d.fate)}});
    } else if (ReasonOf(deleted) != Reason::kBusy && ReasonOf(deleted) != Reason::kNotFound) {  // its turn comes again
      metrics_.DeletionFailed();
      context_.log.Error("a snapshot can't be deleted", {{"snapshot", name}, {"err", MessageOf(deleted)}});
    }
  }
}

void SidecarTasks::LogLineage(const store::Manifest& m) {
  if (!m.lineage.has_value()) return;
  const store::LineageRecord& l = *m.lineage;
  const auto took = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(l.duration_seconds));
  if (l.result == "diverged") {
    context_.log.Error("the source went back, or is another cluster",
                       {{"snapshot", m.name}, {"older", l.older}, {"err", l.text}, {"duration_seconds", took}});
  } else {
    context_.log.Info(
        "lineage checked",
        {{"snapshot", m.name}, {"older", l.older}, {"result", l.result}, {"text", l.text}, {"duration_seconds", took}});
  }
}

Result<std::vector<store::Manifest>> SidecarTasks::WaitForPlan() {
  while (true) {
    std::unique_lock lock(mutex_);
    const uint64_t reads = store_reads_;
    lock.unlock();
    ASSIGN_OR_RETURN(const pipeline::Catalog catalog, pipeline::ReadCatalog(context_, store_));
    std::vector<store::Manifest> plan = pipeline::PlanDrills(catalog, config_.drill.sample);
    if (!plan.empty()) return plan;
    lock.lock();
    const bool read_again = store_read_.wait(lock, context_.stop, [&] { return store_reads_ != reads; });
    if (!read_again) return Error(Reason::kInterrupted, "stopped");
  }
}

void SidecarTasks::RunDrills() {
  const auto plan = WaitForPlan();
  if (Interrupted(plan.status())) return;
  if (!plan.ok()) {
    metrics_.DrillStarted(UnixSeconds(context_.clock.Now()));
    context_.log.Error("drill failed", {{"stage", pipeline::kSelectStage}, {"err", MessageOf(plan.status())}});
    metrics_.DrillEnded(false, pipeline::kSelectStage, 0, true);
    return;
  }
  for (const store::Manifest& snapshot : *plan) {
    if (context_.stop.stop_requested()) return;
    const store::LocalStore::Use use(store_, snapshot.name);
    if (!store_.Has(snapshot.name)) continue;  // retention was faster
    RunDrill(snapshot);
  }
}

void SidecarTasks::RunDrill(const store::Manifest& snapshot) {
  metrics_.DrillStarted(UnixSeconds(context_.clock.Now()));
  ReportDrill(pipeline::DrillStored(context_,
                                    {.snapshot = snapshot.name,
                                     .path = store_.SnapshotPath(snapshot.name),
                                     .manifest = snapshot,
                                     .config = config_.drill},
                                    &client_, store_));
}

void SidecarTasks::ReportDrill(const pipeline::StoredDrill& drill) {
  const pipeline::DrillReport& report = drill.report;
  if (Interrupted(report.outcome)) return;
  const double seconds = SecondsOf(report.finished - report.started);
  metrics_.DrillEnded(report.passed(), FailedStage(report), seconds, CleanedUp(report));
  if (report.passed()) {
    context_.log.Info("drill passed", {{"snapshot", report.snapshot},
                                       {"verdict", verify::VerdictName(report.verdict)},
                                       {"level", report.level_reached},
                                       {"etcd", report.etcd_version},
                                       {"duration_seconds", report.finished - report.started}});
  } else {
    context_.log.Error("drill failed", {{"snapshot", report.snapshot},
                                        {"stage", FailedStage(report)},
                                        {"level", report.level_reached},
                                        {"reason", InfoOf(ReasonOf(report.outcome)).name},
                                        {"err", MessageOf(report.outcome)}});
  }
  if (!CleanedUp(report)) {
    context_.log.Warn("drill left something behind", {{"err", report.stages.back().error}});
  }
  if (!drill.source.ok()) {
    context_.log.Warn("no advice for a restore: the source can't be asked", {{"err", MessageOf(drill.source)}});
  }
  Status kept = drill.kept;
  if (kept.ok()) kept = ReadStore().status();
  if (!kept.ok()) context_.log.Error("the drill report can't be kept", {{"err", MessageOf(kept)}});
}

void SidecarTasks::Scrub() {
  const auto catalog = pipeline::ReadCatalog(context_, store_);
  if (!catalog.ok()) return;  // said by RefreshMetrics
  const auto plan = pipeline::PlanScrub(*catalog, config_.scrub.period, context_.clock.Now());
  for (const store::Manifest& snapshot : plan) {
    if (context_.stop.stop_requested()) return;
    const store::LocalStore::Use use(store_, snapshot.name);
    if (store_.Has(snapshot.name)) ScrubOne(snapshot);  // else retention was faster
  }
  if (!plan.empty()) RefreshMetrics();
}

void SidecarTasks::ScrubOne(const store::Manifest& snapshot) {
  const std::string& name = snapshot.name;
  const Status hashed =
      pipeline::HashAgain(context_, store_.SnapshotPath(name), snapshot, config_.scrub.bytes_per_second);
  if (Interrupted(hashed)) return;
  const bool damaged = !hashed.ok() && ReasonOf(hashed) == Reason::kDamaged;
  if (hashed.ok()) {
    metrics_.Scrubbed(snapshot.size_bytes);
    context_.log.Debug("snapshot scrubbed", {{"snapshot", name}});
  } else {
    metrics_.ScrubFailed(damaged);
    context_.log.Error("a stored snapshot is not what it was", {{"snapshot", name}, {"err", MessageOf(hashed)}});
  }
  if (!hashed.ok() && !damaged) return;  // a disk that can't be read now may be readable later
  const WallTime now = context_.clock.Now();
  const Status kept = store_.UpdateChecks(name, [&](store::Checks& checks) {
    (damaged ? checks.damaged : checks.hashed) = now;
    checks.damage = damaged ? MessageOf(hashed) : "";
  });
  if (!kept.ok()) context_.log.Error("the scrub can't be recorded", {{"snapshot", name}, {"err", MessageOf(kept)}});
  if (damaged) RefreshMetrics();
}

void SidecarTasks::ProbeHealth() {
  report::SourceFacts facts;
  report::Health health;
  for (const etcd::Endpoint& endpoint : client_.endpoints()) {
    const etcd::HealthProbe probe = etcd::ProbeHealth(endpoint, context_.clock);
    metrics_.ProbeTook(endpoint.address(), SecondsOf(probe.latency));
    facts.endpoint_healthy[endpoint.address()] = probe.healthy;
    health.members.push_back(ToMemberRow(endpoint.address(), probe));
    if (!probe.status.has_value()) continue;
    facts.up = true;
    const report::SourceFacts::Member member = ToMember(*probe.status);
    facts.endpoint_members[endpoint.address()] = member;
    if (!facts.member.has_value()) facts.member = member;
    if (!facts.alarms.has_value()) facts.alarms = {{"nospace", false}, {"corrupt", false}};
    for (const etcd::Alarm& alarm : probe.alarms) {
      (*facts.alarms)[alarm.type == etcd::AlarmType::kCorrupt ? "corrupt" : "nospace"] = true;
    }
  }
  if (facts.up) {
    const auto membership = client_.Any([](const etcd::Endpoint& endpoint) { return endpoint.MemberList(); });
    if (membership.ok()) facts.members = static_cast<double>(membership->members.size());
  }
  for (const auto& [name, raised] : facts.alarms.value_or(std::map<std::string, bool>())) {
    if (raised) health.alarms.push_back(name);
  }
  health.checked = context_.clock.Now();
  if (context_.stop.stop_requested()) return;
  metrics_.SetSource(std::move(facts));
  board_.SetHealth(std::move(health));
}

void SidecarTasks::CompareMembers() {
  const pipeline::Consistency found = pipeline::CompareMembers(context_, client_);
  if (context_.stop.stop_requested()) return;
  if (found.equal.has_value()) metrics_.SetMembersAgree(*found.equal, UnixSeconds(context_.clock.Now()));
  if (found.equal == false) {
    context_.log.Error("members disagree", {{"err", found.text}});
  } else if (found.equal == true) {
    context_.log.Info("members agree", {{"text", found.text}});
  } else if (client_.endpoints().size() > 1) {
    context_.log.Warn("members can't be compared", {{"err", found.text}});
  }
}

}  // namespace etcdrill::app
