// One cluster: its store, what is known of it, what is done for it, and the configuration by which.
// A process may hold several, which share the timer and the pool and know nothing of each other.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/config.h"
#include "etcd/client.h"
#include "io/context.h"
#include "report/cluster_metrics.h"
#include "report/metrics.h"
#include "report/view.h"
#include "sidecar/cluster_state.h"
#include "sidecar/drill_turn.h"
#include "sidecar/generation.h"
#include "sidecar/pool.h"
#include "sidecar/snapshot_follow_up.h"
#include "sidecar/task.h"
#include "sidecar/timer.h"
#include "store/local_store.h"

namespace etcdrill::sidecar {

// Safe for use from any thread; one PutInForce at a time.
class ClusterRuntime {
 public:
  // How many tasks it has, of which each has one run at a time. So a pool with as many threads for
  // each cluster never lets a health probe wait behind a drill.
  static size_t CountTasks(const config::Config& config);

  // Opens the store and reads it. All arguments but `settings` must outlive it.
  static Result<std::unique_ptr<ClusterRuntime>> Create(const Context& context,
                                                        const Settings& settings, Timer& timer,
                                                        Pool& pool);
  ClusterRuntime(const ClusterRuntime&) = delete;
  ClusterRuntime& operator=(const ClusterRuntime&) = delete;
  ~ClusterRuntime() { Finish(); }

  // From now on the tasks run when they are due.
  void Start();
  // What these settings would put in force; nothing changes yet, so that of several clusters all
  // are reloaded or none. Errors as Generation::Create, and those of the store.
  Result<std::shared_ptr<Generation>> Prepare(const Settings& settings);
  // Does it. The generation before ends what it had begun, and begins nothing more; what it still
  // runs gets its new timetable at the end of that.
  void PutInForce(std::shared_ptr<Generation> next);
  // Waits for what had begun; nothing begins any more, by whatever configuration.
  void Finish();

  // False if such a run is going on.
  bool TakeSnapshotNow() { return Begin(*snapshot_, Occasion::kAsked); }
  bool DrillNow() { return Begin(*drill_, Occasion::kAsked); }

  std::shared_ptr<const config::Config> config() const { return Current()->shared_config(); }
  report::View View() const;
  report::Activity activity() const { return metrics_.activity(); }
  report::ClusterScrape Scrape();

 private:
  ClusterRuntime(const Context& context, Timer& timer, Pool& pool,
                 std::unique_ptr<store::LocalStore> store, std::shared_ptr<etcd::CallCounts> counts,
                 std::shared_ptr<SiteMeters> meters, std::shared_ptr<Generation> first);
  std::shared_ptr<Generation> Current() const;
  std::vector<Task*> Tasks() const;
  bool Begin(Task& task, Occasion why);
  ScheduledTask Scheduled(Task& task, config::Schedule schedule, Occasion why);
  std::vector<ScheduledTask> Schedules(const config::Config& config);

  const Context& context_;
  Timer& timer_;
  Pool& pool_;
  const std::unique_ptr<store::LocalStore> store_;
  const std::shared_ptr<etcd::CallCounts> counts_;
  const std::shared_ptr<SiteMeters> meters_;
  mutable std::mutex mutex_;
  std::shared_ptr<Generation> current_;  // guarded by mutex_
  ClusterState state_;
  report::ClusterMetrics metrics_;
  SnapshotFollowUp follow_up_;
  DrillTurn drill_turn_;
  // Last: they use all of the above.
  const std::unique_ptr<Task> snapshot_;
  const std::unique_ptr<Task> drill_;
  const std::unique_ptr<Task> adopt_;
  const std::unique_ptr<Task> scrub_;
  const std::unique_ptr<Task> health_;
  const std::unique_ptr<Task> compare_;
  const std::unique_ptr<Task> follow_;
  struct SiteTasks {
    std::unique_ptr<Task> copy;
    std::unique_ptr<Task> drill;
  };
  std::map<std::string, SiteTasks> sites_;  // by name
};

}  // namespace etcdrill::sidecar
