// A label that may come has its series from the start.
#include "report/cluster_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

namespace etcdrill::report {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;

const Histogram::BucketBoundaries kSnapshotBounds = {0.5, 1,   2.5, 5,   10,  30,
                                                     60,  120, 300, 600, 1800};
const Histogram::BucketBoundaries kDrillBounds = {1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
const Histogram::BucketBoundaries kProbeBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

// Those of the schedule, or those of others.
bool SwitchesOffSnapshots(const config::Config& before, const config::Config& after) {
  const bool schedule_went = before.snapshot.schedule && !after.snapshot.schedule;
  const bool adoption_went = !before.adopt.files.empty() && after.adopt.files.empty();
  return schedule_went || adoption_went;
}

}  // namespace

struct ClusterMetrics::Counted {
  Counted();

  Family<Counter>& Counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Counter& One(const char* name, const char* help) { return Counters(name, help).Add({}); }
  Family<Histogram>& Histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  // Family::Add gives the counter that is there already.
  Counter& Failed(std::string_view reason) {
    return snapshot_failures.Add({{"reason", std::string(reason)}});
  }
  Counter& Deleted(catalog::Fate why) {
    return deleted.Add({{"reason", std::string(NameOf(why))}});
  }
  Counter& FailedIn(StageName stage) {
    return drill_failures.Add({{"stage", std::string(NameOf(stage))}});
  }

  prometheus::Registry registry;

  Counter& snapshot_attempts =
      One("etcdrill_snapshot_attempts_total", "Number of snapshot attempts.");
  Family<Counter>& snapshot_failures = Counters("etcdrill_snapshot_failures_total",
                                                "Number of failed snapshot attempts, by reason.");
  Family<Counter>& snapshot_skipped = Counters(
      "etcdrill_snapshot_skipped_total", "Number of due snapshots that were skipped, by reason.");
  Counter& skipped_busy = snapshot_skipped.Add({{"reason", "busy"}});
  Counter& skipped_unchanged = snapshot_skipped.Add({{"reason", "unchanged"}});
  Counter& skipped_not_leader = snapshot_skipped.Add({{"reason", "not_leader"}});
  Counter& received_bytes =
      One("etcdrill_snapshot_received_bytes_total", "Number of snapshot bytes received from etcd.");
  Histogram& snapshot_seconds =
      Histograms("etcdrill_snapshot_duration_seconds", "Duration of successful snapshots.")
          .Add({}, kSnapshotBounds);

  Family<Counter>& deleted = Counters("etcdrill_retention_deleted_total",
                                      "Number of snapshots deleted by retention, by reason.");
  Counter& deletion_failures =
      One("etcdrill_retention_failures_total", "Number of deletions by retention that failed.");
  Counter& scrubbed_bytes =
      One("etcdrill_scrub_bytes_total",
          "Number of bytes of stored snapshots that the scrub hashed and found intact.");
  Family<Counter>& scrub_failures = Counters(
      "etcdrill_scrub_failures_total",
      "Number of stored snapshots that the scrub found damaged or could not read, by reason.");
  Counter& scrub_damaged = scrub_failures.Add({{"reason", "damaged"}});
  Counter& scrub_unreadable = scrub_failures.Add({{"reason", "unreadable"}});

  Counter& drill_attempts = One("etcdrill_drill_attempts_total", "Number of drills started.");
  Family<Counter>& drill_failures = Counters("etcdrill_drill_failures_total",
                                             "Number of failed drills, by the stage that failed.");
  Counter& drill_skipped =
      Counters("etcdrill_drill_skipped_total", "Number of due drills that were skipped, by reason.")
          .Add({{"reason", "busy"}});
  Counter& drill_cleanup_failures =
      One("etcdrill_drill_cleanup_failures_total",
          "Number of drills whose scratch directory or processes could not be removed.");
  Histogram& drill_seconds =
      Histograms("etcdrill_drill_duration_seconds", "Duration of passed drills.")
          .Add({}, kDrillBounds);
  Family<Histogram>& probe_seconds =
      Histograms("etcdrill_endpoint_probe_duration_seconds", "Duration of health probes.");
};

ClusterMetrics::Counted::Counted() {
  for (const ReasonInfo& reason : AllReasons()) Failed(reason.metric_label);
  for (const catalog::Fate why : ValuesOf<catalog::Fate>()) {
    if (catalog::Goes(why)) Deleted(why);
  }
  for (const StageName stage : ValuesOf<StageName>()) FailedIn(stage);
}

ClusterMetrics::ClusterMetrics(std::string cluster, const std::vector<std::string>& endpoints)
    : cluster_(std::move(cluster)), counted_(std::make_unique<Counted>()) {
  ProbeOnly(endpoints);
}

ClusterMetrics::~ClusterMetrics() = default;

void ClusterMetrics::ProbeOnly(const std::vector<std::string>& endpoints) {
  std::erase_if(probes_, [&](const auto& probe) {
    if (std::ranges::find(endpoints, probe.first) != endpoints.end()) return false;
    counted_->probe_seconds.Remove(probe.second);
    return true;
  });
  for (const std::string& endpoint : endpoints) {
    probes_[endpoint] = &counted_->probe_seconds.Add({{"etcd_endpoint", endpoint}}, kProbeBounds);
  }
}

void ClusterMetrics::Reloaded(const config::Config& before, const config::Config& after,
                              const std::vector<std::string>& endpoints) {
  const std::lock_guard lock(mutex_);
  // Nobody will make good what failed then.
  if (SwitchesOffSnapshots(before, after)) activity_.snapshot_consecutive_failures = 0;
  for (Activity::Times& times : activity_.tasks) times.next_run.reset();
  ProbeOnly(endpoints);
}

void ClusterMetrics::SetNextRun(Task task, double unix_seconds) {
  const std::lock_guard lock(mutex_);
  activity_[task].next_run = unix_seconds;
}

void ClusterMetrics::RunBegan(Task task) {
  const std::lock_guard lock(mutex_);
  activity_[task].runs = true;
}

void ClusterMetrics::RunEnded(Task task, double unix_seconds) {
  const std::lock_guard lock(mutex_);
  activity_[task].runs = false;
  activity_[task].last_run = unix_seconds;
}

void ClusterMetrics::SnapshotStarted() { counted_->snapshot_attempts.Increment(); }

void ClusterMetrics::SnapshotSucceeded(double seconds, uint64_t bytes) {
  counted_->received_bytes.Increment(static_cast<double>(bytes));
  counted_->snapshot_seconds.Observe(seconds);
  ForgiveFailures();
}

void ClusterMetrics::SnapshotFailed(Reason reason, double unix_seconds) {
  counted_->Failed(InfoOf(reason).metric_label).Increment();
  const std::lock_guard lock(mutex_);
  ++activity_.snapshot_consecutive_failures;
  activity_.snapshot_last_failure = unix_seconds;
}

void ClusterMetrics::SnapshotSkippedBusy() { counted_->skipped_busy.Increment(); }

void ClusterMetrics::SnapshotSkippedUnchanged() {
  counted_->skipped_unchanged.Increment();
  ForgiveFailures();
}

void ClusterMetrics::SnapshotSkippedNotLeader() { counted_->skipped_not_leader.Increment(); }
void ClusterMetrics::SnapshotTakenByAnother() { ForgiveFailures(); }

void ClusterMetrics::ForgiveFailures() {
  const std::lock_guard lock(mutex_);
  activity_.snapshot_consecutive_failures = 0;
}

void ClusterMetrics::SnapshotDeleted(catalog::Fate why) { counted_->Deleted(why).Increment(); }
void ClusterMetrics::DeletionFailed() { counted_->deletion_failures.Increment(); }

void ClusterMetrics::Scrubbed(uint64_t bytes) {
  counted_->scrubbed_bytes.Increment(static_cast<double>(bytes));
}

void ClusterMetrics::ScrubFailed(bool damaged) {
  (damaged ? counted_->scrub_damaged : counted_->scrub_unreadable).Increment();
}

void ClusterMetrics::DrillStarted(double unix_seconds) {
  counted_->drill_attempts.Increment();
  const std::lock_guard lock(mutex_);
  activity_.drill_in_progress = true;
  activity_.drill_started = unix_seconds;
}

void ClusterMetrics::DrillEnded(std::optional<StageName> failed_in, double seconds,
                                bool cleaned_up) {
  if (failed_in.has_value()) {
    counted_->FailedIn(*failed_in).Increment();
  } else {
    counted_->drill_seconds.Observe(seconds);
  }
  if (!cleaned_up) counted_->drill_cleanup_failures.Increment();
  const std::lock_guard lock(mutex_);
  activity_.drill_in_progress = false;
}

void ClusterMetrics::DrillSkipped() { counted_->drill_skipped.Increment(); }

void ClusterMetrics::ProbeTook(const std::string& endpoint, double seconds) {
  const std::lock_guard lock(mutex_);
  const auto known = probes_.find(endpoint);
  if (known != probes_.end()) known->second->Observe(seconds);  // else a reload took it away
}

Activity ClusterMetrics::activity() const {
  const std::lock_guard lock(mutex_);
  return activity_;
}

void ClusterMetrics::AddTo(Families& page) const { page.Add(counted_->registry); }

}  // namespace etcdrill::report
