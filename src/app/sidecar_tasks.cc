// The three tasks. A run that a stop request ended is neither a success nor a failure: nothing is counted or kept of
// it.
#include "app/sidecar_tasks.h"

#include <fmt/format.h>

#include "app/status_rows.h"
#include "etcd/health.h"
#include "pipeline/catalog.h"
#include "pipeline/drill_plan.h"
#include "pipeline/run.h"

namespace etcdrill::app {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStoreLookEvery = 1s;

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
  return {fmt::format("{:x}", s.cluster_id),
          fmt::format("{:x}", s.member_id),
          s.version,
          static_cast<double>(s.revision),
          static_cast<double>(s.db_size_bytes),
          static_cast<double>(s.db_in_use_bytes),
          s.leader_id == s.member_id,
          s.is_learner};
}

}  // namespace

SidecarTasks::LastRuns SidecarTasks::FindLastRuns() const {
  LastRuns last;
  const auto catalog = pipeline::ReadCatalog(context_, store_);
  if (!catalog.ok()) return last;  // said by RefreshStoreFacts
  if (const pipeline::CatalogEntry* newest = catalog->Newest()) last.snapshot = newest->manifest.taken;
  if (!catalog->drills.empty()) last.drill = catalog->drills.back().finished;
  return last;
}

Status SidecarTasks::RefreshStoreFacts() {
  const auto catalog = pipeline::ReadCatalog(context_, store_);
  if (!catalog.ok()) {
    board_.StoreIsUnreadable(std::string(MessageOf(catalog.status())));
    return catalog.status();
  }
  metrics_.SetStore(pipeline::ToStoreFacts(*catalog));
  board_.SetHistory(ToHistory(*catalog));
  return OkStatus();
}

void SidecarTasks::TakeSnapshot() {
  metrics_.SnapshotStarted();
  const auto outcome = pipeline::TakeSnapshot(
      context_, {.client = client_, .cluster = config_.cluster.name, .timeout = config_.snapshot.timeout}, store_);
  Status result = outcome.ok() ? outcome->verdict : outcome.status();
  if (Interrupted(result)) return;
  if (result.ok()) {
    const store::Manifest& m = outcome->manifest;
    metrics_.SnapshotSucceeded(m.duration_seconds, m.size_bytes);
    context_.log.Info("snapshot taken", {{"snapshot", m.name},
                                         {"revision", m.revision},
                                         {"keys", m.live_keys},
                                         {"size_bytes", m.size_bytes},
                                         {"verdict", m.verdict},
                                         {"endpoint", m.endpoint}});
    LogLineage(m);
  } else {
    metrics_.SnapshotFailed(ReasonOf(result), UnixSeconds(context_.clock.Now()));
    context_.log.Error("snapshot failed", {{"reason", InfoOf(ReasonOf(result)).name}, {"err", MessageOf(result)}});
  }
  const Status refreshed = RefreshStoreFacts();
  if (!refreshed.ok()) context_.log.Error("the store can't be read", {{"err", MessageOf(refreshed)}});
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
    ASSIGN_OR_RETURN(const pipeline::Catalog catalog, pipeline::ReadCatalog(context_, store_));
    std::vector<store::Manifest> plan = pipeline::PlanDrills(catalog, config_.drill.sample);
    if (!plan.empty()) return plan;
    if (!context_.clock.SleepFor(kStoreLookEvery, context_.stop)) return Error(Reason::kInterrupted, "stopped");
  }
}

void SidecarTasks::RunDrills() {
  const auto plan = WaitForPlan();
  if (Interrupted(plan.status())) return;
  if (!plan.ok()) {
    metrics_.DrillStarted(UnixSeconds(context_.clock.Now()));
    context_.log.Error("drill failed", {{"stage", pipeline::kSelectStage}, {"err", MessageOf(plan.status())}});
    metrics_.DrillEnded(false, pipeline::kSelectStage, 0, true, "");
    return;
  }
  for (const store::Manifest& snapshot : *plan) {
    if (!context_.stop.stop_requested()) RunDrill(snapshot);
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
  metrics_.DrillEnded(report.passed(), FailedStage(report), seconds, CleanedUp(report), report.etcd_version);
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
  if (kept.ok()) kept = RefreshStoreFacts();
  if (!kept.ok()) context_.log.Error("the drill report can't be kept", {{"err", MessageOf(kept)}});
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
    if (!facts.member.has_value()) facts.member = ToMember(*probe.status);
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

}  // namespace etcdrill::app
