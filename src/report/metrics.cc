// The names, in the order of docs/metrics.md.
#include "report/metrics.h"

#include "base/version.h"
#include "report/metrics_page.h"
#include "report/process_metrics.h"
#include "report/store_metrics.h"

namespace etcdrill::report {
namespace {

const std::vector<double> kSnapshotBounds = {0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800};
const std::vector<double> kDrillBounds = {1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
const std::vector<double> kProbeBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

std::optional<double> AsNumber(std::optional<bool> flag) {
  return flag.has_value() ? std::optional<double>(*flag ? 1 : 0) : std::nullopt;
}

void AddFixed(const FixedFacts& f, const LiveFacts& live, MetricsPage& page) {
  page.Gauge("etcdrill_build_info", "Build metadata, always 1.")
      .ProcessSample(1,
                     {{"version", kVersion}, {"revision", kGitRevision}, {"compiler", kCompiler}});
  page.Gauge(
          "etcdrill_state_created_timestamp_seconds",
          "Unix time at which the store was first created (state.json in it); survives restarts.")
      .Sample(f.state_created);
  page.Counter("etcdrill_log_messages_total", "Log lines of these levels, written or dropped.")
      .ProcessSample(live.log_warnings, {{"level", "warn"}})
      .ProcessSample(live.log_errors, {{"level", "error"}});
  page.Counter("etcdrill_log_dropped_total",
               "Log lines that were dropped: nobody reads the log, or it can't be written.")
      .ProcessSample(live.log_dropped);
  page.Gauge("etcdrill_objective_rpo_seconds",
             "Configured objective: age that the newest snapshot may reach.")
      .Sample(f.rpo_seconds);
  page.Gauge("etcdrill_objective_restorable_rpo_seconds",
             "Configured objective: age that the newest restorable snapshot may reach.")
      .Sample(f.restorable_rpo_seconds);
  page.Gauge("etcdrill_objective_rto_seconds",
             "Configured objective: time that a restore may take.")
      .Sample(f.rto_seconds);
  page.Gauge("etcdrill_snapshot_interval_seconds",
             "Longest gap between two scheduled snapshots; absent where none is scheduled.")
      .Sample(f.snapshot_interval_seconds);
  page.Gauge("etcdrill_drill_interval_seconds",
             "Longest gap between two scheduled drills; absent where none is scheduled.")
      .Sample(f.drill_interval_seconds);
  page.Gauge("etcdrill_adopt_patterns",
             "Patterns of files from which snapshots of others are adopted; 0 where none are.")
      .Sample(f.adopt_patterns);
  page.Gauge("etcdrill_drill_timeout_seconds", "Hard limit for one drill.")
      .Sample(f.drill_timeout_seconds);
  page.Gauge("etcdrill_scrub_period_seconds",
             "Time within which every stored snapshot is to be hashed again.")
      .Sample(f.scrub_period_seconds);
}

// Those of the schedule, or those of others.
bool SwitchesOffSnapshots(const FixedFacts& before, const FixedFacts& after) {
  const bool schedule_went = before.snapshot_interval_seconds && !after.snapshot_interval_seconds;
  const bool adoption_went = before.adopt_patterns > 0 && after.adopt_patterns == 0;
  return schedule_went || adoption_went;
}

// One family for each number of a member, by the endpoint that said it.
void AddEndpointMembers(const SourceFacts& s, MetricsPage& page) {
  const auto family = [&](const char* name, const char* help, auto value) {
    page.Gauge(name, help);
    for (const auto& [endpoint, member] : s.endpoint_members)
      page.Sample(value(member), {{"etcd_endpoint", endpoint}});
  };
  using Member = SourceFacts::Member;
  double newest_index = 0;
  for (const auto& [endpoint, m] : s.endpoint_members)
    newest_index = std::max(newest_index, m.raft_index);
  family("etcdrill_endpoint_is_leader", "Whether the member is the leader: 1 yes, 0 no.",
         [](const Member& m) { return AsNumber(m.is_leader); });
  family("etcdrill_endpoint_is_learner", "Whether the member is a learner: 1 yes, 0 no.",
         [](const Member& m) { return AsNumber(m.is_learner); });
  family("etcdrill_endpoint_raft_term", "Raft term of the member.",
         [](const Member& m) { return m.raft_term; });
  family("etcdrill_endpoint_raft_lag_entries",
         "Raft entries that the member has not applied, of those that any member knew in the same "
         "round of probes.",
         [&](const Member& m) { return std::max(newest_index - m.raft_applied_index, 0.0); });
  family("etcdrill_endpoint_revision", "Revision of the member.",
         [](const Member& m) { return m.revision; });
  family("etcdrill_endpoint_db_size_bytes", "Size of the member's database file.",
         [](const Member& m) { return m.db_size_bytes; });
  family("etcdrill_endpoint_db_in_use_bytes", "Bytes in use inside the member's database file.",
         [](const Member& m) { return m.db_in_use_bytes; });
  family("etcdrill_endpoint_db_quota_bytes",
         "Size at which the member raises NOSPACE; etcd 3.6 and later tell it.",
         [](const Member& m) { return m.db_quota_bytes; });
}

void AddSource(const SourceFacts& s, MetricsPage& page) {
  page.Gauge("etcdrill_source_up",
             "Whether any member of the source answered the newest health probes: 1 yes, 0 no.")
      .Sample(s.up ? 1.0 : 0.0);
  page.Gauge("etcdrill_endpoint_healthy",
             "Result of the newest health probe of the endpoint: 1 healthy, 0 not.")
      .Samples("etcd_endpoint", AsNumbers(s.endpoint_healthy));
  AddEndpointMembers(s, page);
  page.Gauge("etcdrill_source_members", "Members of the source cluster.").Sample(s.members);
  page.Gauge("etcdrill_source_alarm_active",
             "Whether the alarm is raised anywhere in the source cluster: 1 yes, 0 no.");
  if (s.alarms.has_value()) page.Samples("alarm", AsNumbers(*s.alarms));
  if (!s.member.has_value()) return;
  const SourceFacts::Member& m = *s.member;
  page.Gauge("etcdrill_source_info", "Identity of the source member, always 1.")
      .Sample(1,
              {{"cluster_id", m.cluster_id}, {"member_id", m.member_id}, {"version", m.version}});
  page.Gauge("etcdrill_source_revision", "Revision of the source at the last Status call.")
      .Sample(m.revision);
  page.Gauge("etcdrill_source_db_size_bytes", "Size of the source's database file.")
      .Sample(m.db_size_bytes);
  page.Gauge("etcdrill_source_db_in_use_bytes", "Bytes in use inside the source's database file.")
      .Sample(m.db_in_use_bytes);
  page.Gauge("etcdrill_source_is_leader", "Whether the source member is the leader: 1 yes, 0 no.")
      .Sample(AsNumber(m.is_leader));
  page.Gauge("etcdrill_source_is_learner", "Whether the source member is a learner: 1 yes, 0 no.")
      .Sample(AsNumber(m.is_learner));
}

// Those to etcd are of the cluster, that of the port is of the process.
void AddCertificates(const LiveFacts& live, WallTime Validity::*time, MetricsPage& page) {
  for (const auto& [name, validity] : live.certificates)
    page.Sample(UnixSeconds(validity.*time), {{"certificate", name}});
  if (live.web_certificate.has_value())
    page.ProcessSample(UnixSeconds((*live.web_certificate).*time), {{"certificate", "web_server"}});
}

void AddLive(const LiveFacts& live, MetricsPage& page) {
  page.Gauge("etcdrill_certificate_not_after_timestamp_seconds",
             "Unix time at which the certificates of the file end: the first to end of a chain, "
             "the last of etcd_ca.");
  AddCertificates(live, &Validity::end, page);
  page.Gauge("etcdrill_certificate_not_before_timestamp_seconds",
             "Unix time at which that certificate began to be valid: what is a short time left "
             "depends on how long it lives.");
  AddCertificates(live, &Validity::begin, page);
  page.Counter("etcdrill_etcd_requests_total", "gRPC calls to the source, by method.");
  for (const CallFacts& call : live.calls) page.Sample(call.requests, {{"method", call.method}});
  page.Counter("etcdrill_etcd_request_failures_total",
               "gRPC calls to the source that failed, by method.");
  for (const CallFacts& call : live.calls) page.Sample(call.failures, {{"method", call.method}});
  page.Gauge("etcdrill_filesystem_avail_bytes",
             "Bytes free for us on the file system of the volume.");
  for (const VolumeFacts& v : live.volumes) page.Sample(v.available_bytes, {{"volume", v.volume}});
  page.Gauge("etcdrill_filesystem_size_bytes", "Size of the file system of the volume.");
  for (const VolumeFacts& v : live.volumes) page.Sample(v.size_bytes, {{"volume", v.volume}});
}

}  // namespace

void Histogram::Observe(double value) {
  ++count_;
  sum_ += value;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    if (value <= bounds_[i]) {
      ++counts_[i];
      return;
    }
  }
}

Metrics::Metrics(FixedFacts fixed, std::function<LiveFacts()> read_live)
    : read_live_(std::move(read_live)),
      fixed_(std::move(fixed)),
      reload_succeeded_(fixed_.process_start),
      snapshot_seconds_(kSnapshotBounds),
      drill_seconds_(kDrillBounds) {
  for (const ReasonInfo& reason : AllReasons())
    snapshot_failures_[std::string(reason.metric_label)] = 0;
  for (const std::string_view why : kDeletionReasons) deleted_[std::string(why)] = 0;
  for (const StageName stage : ValuesOf<StageName>()) drill_failures_[stage] = 0;
  for (const std::string& endpoint : fixed_.endpoints)
    probe_seconds_.emplace(endpoint, kProbeBounds);
}

void Metrics::Reloaded(FixedFacts facts, double unix_seconds) {
  const std::lock_guard lock(mutex_);
  // Nobody will make good what failed then.
  if (SwitchesOffSnapshots(fixed_, facts)) snapshot_consecutive_failures_ = 0;
  next_run_ = {};
  fixed_ = std::move(facts);
  reload_successful_ = true;
  reload_succeeded_ = unix_seconds;
  std::map<std::string, Histogram> probes;
  for (const std::string& endpoint : fixed_.endpoints) {
    const auto known = probe_seconds_.find(endpoint);
    probes.emplace(endpoint,
                   known != probe_seconds_.end() ? known->second : Histogram(kProbeBounds));
  }
  probe_seconds_ = std::move(probes);
}

void Metrics::ReloadFailed() {
  const std::lock_guard lock(mutex_);
  reload_successful_ = false;
}

void Metrics::SetStore(StoreFacts facts) {
  const std::lock_guard lock(mutex_);
  store_ = std::move(facts);
}

void Metrics::SetStateCreated(double unix_seconds) {
  const std::lock_guard lock(mutex_);
  fixed_.state_created = unix_seconds;
}

void Metrics::StoreIsUnreadable() {
  const std::lock_guard lock(mutex_);
  store_.reset();
}

void Metrics::SetSource(SourceFacts facts) {
  const std::lock_guard lock(mutex_);
  source_ = std::move(facts);
}

void Metrics::SetNextRun(Task task, double unix_seconds) {
  const std::lock_guard lock(mutex_);
  next_run_[static_cast<size_t>(task)] = unix_seconds;
}

void Metrics::RunBegan(Task task) {
  const std::lock_guard lock(mutex_);
  runs_[static_cast<size_t>(task)] = true;
}

void Metrics::RunEnded(Task task, double unix_seconds) {
  const std::lock_guard lock(mutex_);
  runs_[static_cast<size_t>(task)] = false;
  last_run_[static_cast<size_t>(task)] = unix_seconds;
}

void Metrics::SnapshotStarted() {
  const std::lock_guard lock(mutex_);
  ++snapshot_attempts_;
}

void Metrics::SnapshotSucceeded(double seconds, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  snapshot_consecutive_failures_ = 0;
  received_bytes_ += static_cast<double>(bytes);
  snapshot_seconds_.Observe(seconds);
}

void Metrics::SnapshotFailed(Reason reason, double unix_seconds) {
  const std::lock_guard lock(mutex_);
  ++snapshot_failures_[std::string(InfoOf(reason).metric_label)];
  ++snapshot_consecutive_failures_;
  snapshot_last_failure_ = unix_seconds;
}

void Metrics::SnapshotSkippedBusy() {
  const std::lock_guard lock(mutex_);
  ++snapshot_skipped_busy_;
}

void Metrics::SnapshotSkippedUnchanged() {
  const std::lock_guard lock(mutex_);
  ++snapshot_skipped_unchanged_;
  snapshot_consecutive_failures_ = 0;
}

void Metrics::SnapshotTakenByAnother() {
  const std::lock_guard lock(mutex_);
  snapshot_consecutive_failures_ = 0;
}

void Metrics::SnapshotSkippedNotLeader() {
  const std::lock_guard lock(mutex_);
  ++snapshot_skipped_not_leader_;
}

void Metrics::SnapshotDeleted(std::string_view why) {
  const std::lock_guard lock(mutex_);
  ++deleted_.at(std::string(why));
}

void Metrics::DeletionFailed() {
  const std::lock_guard lock(mutex_);
  ++deletion_failures_;
}

void Metrics::Scrubbed(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  scrubbed_bytes_ += static_cast<double>(bytes);
}

void Metrics::ScrubFailed(bool damaged) {
  const std::lock_guard lock(mutex_);
  ++(damaged ? scrub_damaged_ : scrub_unreadable_);
}

void Metrics::DrillStarted(double unix_seconds) {
  const std::lock_guard lock(mutex_);
  ++drill_attempts_;
  drill_in_progress_ = true;
  drill_started_ = unix_seconds;
}

void Metrics::DrillEnded(std::optional<StageName> failed_in, double seconds, bool cleaned_up) {
  const std::lock_guard lock(mutex_);
  drill_in_progress_ = false;
  if (failed_in.has_value()) {
    ++drill_failures_[*failed_in];
  } else {
    drill_seconds_.Observe(seconds);
  }
  if (!cleaned_up) ++drill_cleanup_failures_;
}

void Metrics::DrillSkipped() {
  const std::lock_guard lock(mutex_);
  ++drill_skipped_;
}

void Metrics::SetMembersAgree(std::optional<bool> agree) {
  const std::lock_guard lock(mutex_);
  members_agree_ = agree;
}

void Metrics::ProbeTook(const std::string& endpoint, double seconds) {
  const std::lock_guard lock(mutex_);
  const auto known = probe_seconds_.find(endpoint);
  if (known != probe_seconds_.end())
    known->second.Observe(seconds);  // else a reload took it away meanwhile
}

FixedFacts Metrics::fixed() const {
  const std::lock_guard lock(mutex_);
  return fixed_;
}

StoreFacts Metrics::store() const {
  const std::lock_guard lock(mutex_);
  StoreFacts facts = store_.value_or(StoreFacts{});
  facts.hashkv_consistent = MembersAgree();
  return facts;
}

std::optional<bool> Metrics::MembersAgree() const {
  if (members_agree_ == false) return false;
  if (!store_.has_value()) return std::nullopt;  // it may tell of a member that differed
  if (store_->hashkv_consistent.has_value()) return store_->hashkv_consistent;
  return store_->suspects_problem.empty() ? members_agree_
                                          : std::nullopt;  // those who answer are not all
}

Activity Metrics::activity() const {
  const std::lock_guard lock(mutex_);
  return {next_run_, last_run_, drill_in_progress_, snapshot_consecutive_failures_};
}

std::string Metrics::Render() const {
  const LiveFacts live = read_live_();
  const std::lock_guard lock(mutex_);
  MetricsPage page(fixed_.cluster);
  AddFixed(fixed_, live, page);
  page.Gauge("etcdrill_config_last_reload_successful",
             "Whether the last load of the configuration succeeded: 1 yes, 0 no.")
      .ProcessSample(reload_successful_ ? 1.0 : 0.0);
  page.Gauge("etcdrill_config_last_reload_success_timestamp_seconds",
             "Unix time of the last successful load of the configuration.")
      .ProcessSample(reload_succeeded_);
  AddLive(live, page);
  AddProcessMetrics(fixed_.process_start, page);

  const auto by_task = [&](const auto& times) {
    for (size_t i = 0; i < kTaskNames.size(); ++i)
      page.Sample(times[i], {{"task", std::string(kTaskNames[i])}});
  };
  auto next_run = next_run_;
  for (size_t i = 0; i < kTaskNames.size(); ++i) {
    if (runs_[i] && next_run[i].has_value()) next_run[i] = std::max(*next_run[i], live.now);
  }
  page.Gauge(
      "etcdrill_task_next_run_timestamp_seconds",
      "Unix time at which the task is next due; in the past only if a due run has not begun.");
  by_task(next_run);
  page.Gauge("etcdrill_task_last_run_timestamp_seconds",
             "Unix time at which the task last finished, whatever the result; absent until then.");
  by_task(last_run_);
  page.Gauge("etcdrill_store_readable",
             "Whether the store could be read the last time: 1 yes, 0 no.")
      .Sample(store_.has_value() ? 1.0 : 0.0);
  if (store_.has_value()) {
    AddNewestSnapshot(store_->newest, page);
    AddStore(*store_, page);
    AddProof(*store_, page);
  }
  page.Gauge("etcdrill_source_hashkv_consistent",
             "Whether the members that could be compared had the same HashKV and number of keys at "
             "one revision: 1 yes, 0 no. It stays 0 until each that differed is found to hold the "
             "same, is no member or not asked any more.")
      .Sample(AsNumber(MembersAgree()));
  page.Counter("etcdrill_snapshot_attempts_total", "Snapshot attempts.").Sample(snapshot_attempts_);
  page.Counter("etcdrill_snapshot_failures_total", "Failed snapshot attempts, by reason.")
      .Samples("reason", snapshot_failures_);
  page.Counter("etcdrill_snapshot_skipped_total", "Due snapshots that were not taken, on purpose.")
      .Sample(snapshot_skipped_busy_, {{"reason", "busy"}})
      .Sample(snapshot_skipped_unchanged_, {{"reason", "unchanged"}})
      .Sample(snapshot_skipped_not_leader_, {{"reason", "not_leader"}});
  page.Gauge("etcdrill_snapshot_consecutive_failures",
             "Failed snapshot attempts since the last success, the start, or a reload that "
             "switched them off.")
      .Sample(snapshot_consecutive_failures_);
  page.Gauge("etcdrill_snapshot_last_failure_timestamp_seconds",
             "Unix time of the newest failed snapshot attempt.")
      .Sample(snapshot_last_failure_);
  page.Counter("etcdrill_snapshot_received_bytes_total", "Snapshot bytes received from etcd.")
      .Sample(received_bytes_);
  page.Histograms("etcdrill_snapshot_duration_seconds", "Wall time of successful snapshots.")
      .Sample(snapshot_seconds_);

  page.Counter("etcdrill_retention_deleted_total", "Snapshots removed by retention, by reason.")
      .Samples("reason", deleted_);
  page.Counter("etcdrill_retention_failures_total", "Snapshots that retention could not remove.")
      .Sample(deletion_failures_);
  page.Counter("etcdrill_scrub_bytes_total",
               "Bytes of stored snapshots that were hashed again and found right.")
      .Sample(scrubbed_bytes_);
  page.Counter("etcdrill_scrub_failures_total",
               "Stored snapshots that were found damaged when they were hashed again, or could not "
               "be read.")
      .Sample(scrub_damaged_, {{"reason", "damaged"}})
      .Sample(scrub_unreadable_, {{"reason", "unreadable"}});

  if (store_.has_value()) AddDrillHistory(*store_, page);
  page.Counter("etcdrill_drill_attempts_total", "Drills started.").Sample(drill_attempts_);
  page.Counter("etcdrill_drill_failures_total",
               "Drills that ended in failure, by the stage that failed.")
      .Samples("stage", ByName(drill_failures_));
  page.Counter("etcdrill_drill_skipped_total", "Due drills that were not run, on purpose.")
      .Sample(drill_skipped_, {{"reason", "busy"}});
  page.Gauge("etcdrill_drill_in_progress", "1 while a drill runs, else 0.")
      .Sample(drill_in_progress_ ? 1.0 : 0.0);
  AddDrillStart(
      drill_started_.has_value() || !store_.has_value() ? drill_started_ : store_->drill_started,
      page);
  page.Counter("etcdrill_drill_cleanup_failures_total",
               "Scratch directories or processes of drills that could not be removed.")
      .Sample(drill_cleanup_failures_);
  page.Histograms("etcdrill_drill_duration_seconds", "Wall time of passed drills.")
      .Sample(drill_seconds_);

  if (source_.has_value()) AddSource(*source_, page);
  page.Histograms("etcdrill_endpoint_probe_duration_seconds", "Duration of health probes.");
  for (const auto& [endpoint, histogram] : probe_seconds_)
    page.Sample(histogram, {{"etcd_endpoint", endpoint}});
  return page.Text();
}

}  // namespace etcdrill::report
