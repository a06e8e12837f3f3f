// Gauges that follow from a view; the counters of what happened are in cluster_metrics.cc.
#include "report/metrics.h"

#include <algorithm>

#include "base/version.h"
#include "etcd/roll_call.h"
#include "report/site_metrics.h"
#include "report/store_metrics.h"

namespace etcdrill::report {
namespace {

void AddCertificates(const std::map<std::string, Validity>& certificates, Families& page) {
  page.Gauge("etcdrill_certificate_not_after_timestamp_seconds",
             "Expiry time of the first certificate to expire in the file (of etcd_ca: the last), "
             "as a Unix timestamp.");
  for (const auto& [name, validity] : certificates)
    page.Sample(UnixSeconds(validity.end), {{"certificate", name}});
  page.Gauge(
      "etcdrill_certificate_not_before_timestamp_seconds",
      "Start of validity of the certificate whose expiry time is exported, as a Unix timestamp.");
  for (const auto& [name, validity] : certificates)
    page.Sample(UnixSeconds(validity.begin), {{"certificate", name}});
}

Families OfProcess(const ProcessFacts& p) {
  Families page;
  page.Gauge("etcdrill_build_info", "Version, revision and compiler of the build, always 1.")
      .Sample(1, {{"version", kVersion}, {"revision", kGitRevision}, {"compiler", kCompiler}});
  page.Counter("etcdrill_log_messages_total",
               "Number of log lines of the level, written or dropped.")
      .Sample(p.log_warnings, {{"level", "warn"}})
      .Sample(p.log_errors, {{"level", "error"}});
  page.Counter("etcdrill_log_dropped_total",
               "Number of log lines dropped because the log could not be written.")
      .Sample(p.log_dropped);
  page.Gauge("etcdrill_config_last_reload_successful",
             "Result of the last load of the configuration: 1 success, 0 failure.")
      .Sample(p.reload_successful);
  page.Gauge("etcdrill_config_last_reload_success_timestamp_seconds",
             "Time of the last successful load of the configuration, as a Unix timestamp.")
      .Sample(UnixSeconds(p.reload_succeeded));
  if (p.web_certificate.has_value()) AddCertificates({{"web_server", *p.web_certificate}}, page);
  AddProcessMetrics(p.started, page);
  return page;
}

// A restart may change the offset, so all of the jitter can come on top.
std::optional<double> LongestGap(const std::optional<config::Schedule>& schedule, Duration jitter) {
  if (!schedule.has_value()) return std::nullopt;
  return SecondsOf(schedule->LongestGap() + jitter);
}

void AddConfig(const config::Config& c, Families& page) {
  page.Gauge("etcdrill_objective_rpo_seconds",
             "Maximum age of the newest snapshot (objectives.rpo).")
      .Sample(SecondsOf(c.objectives.rpo));
  page.Gauge("etcdrill_objective_restorable_rpo_seconds",
             "Maximum age of the newest restorable snapshot (objectives.restorable_rpo).")
      .Sample(SecondsOf(c.objectives.restorable_rpo));
  page.Gauge("etcdrill_objective_rto_seconds", "Maximum duration of a restore (objectives.rto).")
      .Sample(SecondsOf(c.objectives.rto));
  page.Gauge("etcdrill_snapshot_interval_seconds",
             "Longest gap between scheduled snapshots, absent without a schedule.")
      .Sample(LongestGap(c.snapshot.schedule, c.snapshot.jitter));
  page.Gauge("etcdrill_drill_interval_seconds",
             "Longest gap between scheduled drills, absent without a schedule.")
      .Sample(LongestGap(c.drill.schedule, c.drill.jitter));
  page.Gauge("etcdrill_adopt_patterns", "Number of file patterns in store.adopt.")
      .Sample(c.adopt.files.size());
  page.Gauge("etcdrill_drill_timeout_seconds", "Maximum duration of a drill (drill.timeout).")
      .Sample(SecondsOf(c.drill.timeout));
  page.Gauge("etcdrill_scrub_period_seconds",
             "Maximum time between two hashes of a stored snapshot (scrub.period).")
      .Sample(SecondsOf(c.scrub.period));
}

void AddCalls(const etcd::CallCounts& calls, Families& page) {
  const auto by_method = [&page](const auto& counts) {
    for (size_t i = 0; i < etcd::kMethodNames.size(); ++i)
      page.Sample(counts[i].load(), {{"method", etcd::kMethodNames[i]}});
  };
  page.Counter("etcdrill_etcd_requests_total", "Number of gRPC calls to the cluster, by method.");
  by_method(calls.requests);
  page.Counter("etcdrill_etcd_request_failures_total",
               "Number of failed gRPC calls to the cluster, by method.");
  by_method(calls.failures);
}

void AddSurroundings(const Surroundings& s, Families& page) {
  AddCertificates(s.certificates, page);
  if (s.calls != nullptr) AddCalls(*s.calls, page);
  page.Gauge("etcdrill_filesystem_avail_bytes",
             "Free space of the volume's file system, available to etcdrill.");
  for (const auto& [volume, space] : s.volumes)
    page.Sample(space.available_bytes, {{"volume", volume}});
  page.Gauge("etcdrill_filesystem_size_bytes", "Size of the volume's file system.");
  for (const auto& [volume, space] : s.volumes) page.Sample(space.size_bytes, {{"volume", volume}});
}

void AddTasks(const Activity& activity, double now, Families& page) {
  page.Gauge("etcdrill_task_next_run_timestamp_seconds",
             "Due time of the next run of the task, as a Unix timestamp; in the past only if a due "
             "run has not started.");
  for (const Task task : ValuesOf<Task>()) {
    std::optional<double> next = activity[task].next_run;
    if (activity[task].runs && next.has_value()) next = std::max(*next, now);
    page.Sample(next, {{"task", NameOf(task)}});
  }
  page.Gauge("etcdrill_task_last_run_timestamp_seconds",
             "End time of the last run of the task, whatever its result, as a Unix timestamp.");
  for (const Task task : ValuesOf<Task>())
    page.Sample(activity[task].last_run, {{"task", NameOf(task)}});
  page.Gauge("etcdrill_snapshot_consecutive_failures",
             "Number of failed snapshot attempts since the last success, the start, or a reload "
             "that disabled snapshots.")
      .Sample(activity.snapshot_consecutive_failures);
  page.Gauge("etcdrill_snapshot_last_failure_timestamp_seconds",
             "Time of the newest failed snapshot attempt, as a Unix timestamp.")
      .Sample(activity.snapshot_last_failure);
  page.Gauge("etcdrill_drill_in_progress", "State of the drill: 1 running, 0 idle.")
      .Sample(activity.drill_in_progress);
}

void AddStore(const View& view, const Activity& activity, Families& page) {
  page.Gauge("etcdrill_state_created_timestamp_seconds",
             "Creation time of the store (its state.json), as a Unix timestamp.")
      .Sample(UnixSeconds(view.state_created));
  const bool readable = view.store_problem.empty();
  page.Gauge("etcdrill_store_readable",
             "Result of the last read of the store: 1 success, 0 failure.")
      .Sample(readable);
  std::optional<double> drill_started = activity.drill_started;
  if (readable) {
    const DrillTally drills = TallyDrills(view.Stored().drills, view.now);
    AddSnapshots(view.Stored(), view.now, page);
    AddDrillHistory(drills, page);
    if (!drill_started.has_value()) drill_started = drills.started;
  }
  AddDrillStart(drill_started, page);
  page.Gauge("etcdrill_source_hashkv_consistent",
             "Result of comparing the members' HashKV and key count at one revision: 1 equal, 0 "
             "different; stays 0 until each member that differed agrees or is no longer compared.")
      .Sample(MembersAgree(view));
}

// One family for each number of a member, by the endpoint that said it.
using MemberByEndpoint = std::map<std::string_view, const etcd::MemberStatus*>;
void AddEndpointMembers(const MemberByEndpoint& members, Families& page) {
  const auto family = [&](const char* name, const char* help, auto value) {
    page.Gauge(name, help);
    for (const auto& [endpoint, member] : members)
      page.Sample(value(*member), {{"etcd_endpoint", endpoint}});
  };
  using Member = etcd::MemberStatus;
  uint64_t newest_index = 0;
  for (const auto& [endpoint, m] : members) newest_index = std::max(newest_index, m->raft_index);
  family("etcdrill_endpoint_is_leader", "Role of the member: 1 leader, 0 not.",
         [](const Member& m) { return m.is_leader(); });
  family("etcdrill_endpoint_is_learner", "Role of the member: 1 learner, 0 not.",
         [](const Member& m) { return m.is_learner; });
  family("etcdrill_endpoint_raft_term", "Raft term of the member.",
         [](const Member& m) { return m.raft_term; });
  family(
      "etcdrill_endpoint_raft_lag_entries",
      "Number of raft entries the member has not applied, of those any member knew in the same "
      "round of probes.",
      [&](const Member& m) { return newest_index - std::min(newest_index, m.raft_applied_index); });
  family("etcdrill_endpoint_revision", "Revision of the member.",
         [](const Member& m) { return m.revision; });
  family("etcdrill_endpoint_db_size_bytes", "Size of the member's database file.",
         [](const Member& m) { return m.db_size_bytes; });
  family("etcdrill_endpoint_db_in_use_bytes",
         "Size of the data in use in the member's database file.",
         [](const Member& m) { return m.db_in_use_bytes; });
  family("etcdrill_endpoint_db_quota_bytes",
         "Size of the database at which the member raises NOSPACE, reported by etcd 3.6 and later.",
         [](const Member& m) {
           return m.db_quota_bytes > 0 ? std::optional(m.db_quota_bytes) : std::nullopt;
         });
}

// Of the first endpoint that answered.
void AddSourceMember(const etcd::MemberStatus& m, Families& page) {
  page.Gauge("etcdrill_source_info",
             "Identity of the source member (the first endpoint that answered), always 1.")
      .Sample(1, {{"cluster_id", etcd::IdText(m.cluster_id)},
                  {"member_id", etcd::IdText(m.member_id)},
                  {"version", m.version}});
  page.Gauge("etcdrill_source_revision",
             "Revision of the source member at the newest health probe.")
      .Sample(m.revision);
  page.Gauge("etcdrill_source_db_size_bytes", "Size of the source member's database file.")
      .Sample(m.db_size_bytes);
  page.Gauge("etcdrill_source_db_in_use_bytes",
             "Size of the data in use in the source member's database file.")
      .Sample(m.db_in_use_bytes);
  page.Gauge("etcdrill_source_is_leader", "Role of the source member: 1 leader, 0 not.")
      .Sample(m.is_leader());
  page.Gauge("etcdrill_source_is_learner", "Role of the source member: 1 learner, 0 not.")
      .Sample(m.is_learner);
}

void AddSource(const etcd::HealthRound& round, Families& page) {
  bool up = false;
  const etcd::MemberStatus* first = nullptr;
  std::map<std::string_view, bool> healthy;
  MemberByEndpoint members;  // those that answered Status
  for (const etcd::RollEntry& entry : round.roll.entries) {
    const etcd::HealthProbe& probe = round.probes[entry.endpoint];
    healthy[entry.address] = probe.healthy;
    const bool is_ours = round.IsOurs(entry.endpoint);
    // One that refuses its Status for lack of rights is alive, too.
    up = up || probe.healthy || is_ours;
    if (!is_ours) continue;
    members[entry.address] = &*probe.status;
    if (first == nullptr) first = &*probe.status;
  }
  page.Gauge("etcdrill_source_up",
             "Result of the newest health probes: 1 any member of the cluster answered, 0 none.")
      .Sample(up);
  page.Gauge("etcdrill_endpoint_healthy",
             "Result of the newest health probe of the endpoint: 1 healthy, 0 unhealthy.");
  for (const auto& [endpoint, is_healthy] : healthy)
    page.Sample(is_healthy, {{"etcd_endpoint", endpoint}});
  AddEndpointMembers(members, page);
  page.Gauge("etcdrill_source_members", "Number of members of the cluster.");
  if (round.roll.membership.has_value()) page.Sample(round.roll.membership->members.size());
  page.Gauge("etcdrill_source_alarm_active",
             "State of the alarm in the cluster: 1 any member has raised it, 0 none has.");
  if (const auto alarms = AlarmsOf(round)) {
    for (const auto& [alarm, is_raised] : *alarms) page.Sample(is_raised, {{"alarm", alarm}});
  }
  if (first != nullptr) AddSourceMember(*first, page);
}

Families OfCluster(const ClusterScrape& cluster) {
  const View& view = cluster.view;
  const Activity activity = cluster.metrics.activity();
  Families page;
  AddConfig(*view.config, page);
  AddSurroundings(cluster.surroundings, page);
  AddTasks(activity, UnixSeconds(view.now), page);
  AddStore(view, activity, page);
  AddSites(view, page);
  if (view.health != nullptr) AddSource(*view.health, page);
  cluster.metrics.AddTo(page);
  return page;
}

}  // namespace

std::string RenderMetrics(const ProcessFacts& process, std::span<const ClusterScrape> clusters) {
  Families page = OfProcess(process);
  for (const ClusterScrape& cluster : clusters) {
    page.Join(cluster.metrics.cluster(), OfCluster(cluster));
  }
  return page.Text();
}

}  // namespace etcdrill::report
