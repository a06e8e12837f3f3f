// What the sidecar does when a schedule falls due: run the pipeline, log the outcome once, and move the metrics.
#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "etcd/client.h"
#include "io/context.h"
#include "pipeline/stored_drill.h"
#include "report/metrics.h"
#include "report/status/board.h"
#include "store/local_store.h"

namespace etcdrill::app {

// Each task runs on one thread at a time; different tasks may run at once. All arguments must outlive it.
class SidecarTasks {
 public:
  SidecarTasks(const Context& context, const config::Config& config, etcd::Client& client, store::LocalStore& store,
               report::Metrics& metrics, report::StatusBoard& board)
      : context_(context), config_(config), client_(client), store_(store), metrics_(metrics), board_(board) {}

  struct LastRuns {
    std::optional<WallTime> snapshot;
    std::optional<WallTime> drill;
  };
  LastRuns FindLastRuns() const;

  // Reads the store anew into the metrics and the status page.
  Status RefreshStoreFacts();

  void TakeSnapshot();
  // Drills what the plan says, one after the other; waits for a snapshot if the store is empty.
  void RunDrills();
  void ProbeHealth();

 private:
  Result<std::vector<store::Manifest>> WaitForPlan();
  void RunDrill(const store::Manifest& snapshot);
  void ReportDrill(const pipeline::StoredDrill& drill);
  void LogLineage(const store::Manifest& m);

  const Context& context_;
  const config::Config& config_;
  etcd::Client& client_;
  store::LocalStore& store_;
  report::Metrics& metrics_;
  report::StatusBoard& board_;
};

}  // namespace etcdrill::app
