// What happened to one cluster since the process started: counters and histograms, which are
// prometheus-cpp's own, and what its tasks are about.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/reason.h"
#include "catalog/retention.h"
#include "config/config.h"
#include "proof/words.h"
#include "report/families.h"
#include "report/view.h"

namespace prometheus {
class Histogram;
}  // namespace prometheus

namespace etcdrill::report {

// Safe for use from any thread; nothing waits for a task.
class ClusterMetrics {
 public:
  // `cluster` is its name; `endpoints` are the addresses of those that are probed.
  ClusterMetrics(std::string cluster, const std::vector<std::string>& endpoints);
  ~ClusterMetrics();
  ClusterMetrics(const ClusterMetrics&) = delete;
  ClusterMetrics& operator=(const ClusterMetrics&) = delete;

  // The configuration was read again and is in force. When a task runs next is not known until its
  // schedule says so again, which one that was switched off never does.
  void Reloaded(const config::Config& before, const config::Config& after,
                const std::vector<std::string>& endpoints);
  void SetNextRun(Task task, double unix_seconds);
  void RunBegan(Task task);
  void RunEnded(Task task, double unix_seconds);

  void SnapshotStarted();
  void SnapshotSucceeded(double seconds, uint64_t bytes);
  void SnapshotFailed(Reason reason, double unix_seconds);
  // Was not taken because its predecessor still ran.
  void SnapshotSkippedBusy();
  // Was not taken because it would hold nothing new.
  void SnapshotSkippedUnchanged();
  // Was left to the sidecar beside the leader.
  void SnapshotSkippedNotLeader();
  // One that was owed is in the store: what failed here before is made good.
  void SnapshotTakenByAnother();
  void SnapshotDeleted(catalog::Fate why);
  void DeletionFailed();
  void Scrubbed(uint64_t bytes);
  void ScrubFailed(bool damaged);
  void DrillStarted(double unix_seconds);
  // `failed_in`: none if it passed.
  void DrillEnded(std::optional<StageName> failed_in, double seconds, bool cleaned_up);
  void DrillSkipped();
  void ProbeTook(const std::string& endpoint, double seconds);

  const std::string& cluster() const [[clang::lifetimebound]] { return cluster_; }
  Activity activity() const;
  void AddTo(Families& page) const;

 private:
  struct Counted;

  void ProbeOnly(const std::vector<std::string>& endpoints);  // with mutex_ held
  void ForgiveFailures();

  const std::string cluster_;
  const std::unique_ptr<Counted> counted_;
  mutable std::mutex mutex_;
  Activity activity_;                                     // guarded by mutex_
  std::map<std::string, prometheus::Histogram*> probes_;  // by endpoint; guarded by mutex_
};

}  // namespace etcdrill::report
