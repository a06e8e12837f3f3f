// What follows when a snapshot was taken or adopted, or is not worth it: lines in the log, counts,
// and retention.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "pipeline/take_snapshot.h"
#include "report/cluster_metrics.h"
#include "sidecar/cluster_state.h"
#include "sidecar/generation.h"

namespace etcdrill::sidecar {

// Safe for use from any thread.
class SnapshotFollowUp {
 public:
  // Both references must outlive it.
  SnapshotFollowUp(ClusterState& state, report::ClusterMetrics& metrics)
      : state_(state), metrics_(metrics) {}

  // If the source holds nothing that the store does not, this moment is as good as that of a new
  // snapshot: it is noted so, counted and logged. `age_max`: that the newest may have.
  bool ConfirmUnchanged(const Context& run, const Generation& by, Duration age_max);
  // Counts and logs a snapshot that was taken, adopted, or neither; then retention has its turn.
  void Report(const Context& run, const Generation& by,
              const Result<pipeline::SnapshotOutcome>& outcome, uint64_t received_bytes);
  void DeleteSurplus(const Context& run, const Generation& by);

 private:
  void LogSuccess(const Context& run, const pipeline::SnapshotOutcome& outcome);

  ClusterState& state_;
  report::ClusterMetrics& metrics_;
  std::mutex mutex_;
  std::set<std::string> told_warnings_;  // codes that the newest snapshot has; guarded by mutex_
};

}  // namespace etcdrill::sidecar
