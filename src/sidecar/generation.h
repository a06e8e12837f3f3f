// What one configuration decides: whom the sidecar asks, what it does, and when. A reload makes a
// new generation; the one before ends what it had begun, and begins nothing more
// (docs/adr/0016-reload.md).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "etcd/client.h"
#include "io/context.h"
#include "report/metrics.h"
#include "report/status/board.h"
#include "sidecar/scheduler.h"
#include "sidecar/settings.h"
#include "sidecar/sidecar_tasks.h"
#include "sidecar/task_gate.h"
#include "store/local_store.h"

namespace etcdrill::sidecar {

// What stays over a reload. One gate for each task, so that none runs twice at a time, for two
// generations neither.
struct Permanent {
  const Context& context;
  store::LocalStore& store;
  report::Metrics& metrics;
  report::StatusBoard& board;
  const std::shared_ptr<etcd::CallCounts> counts;
  const WallTime process_start;
  TaskGate snapshot;
  TaskGate drill;
  TaskGate health;
  TaskGate hashkv;
  TaskGate scrub;
  TaskGate adopt;
  TaskGate follow;
};

class Generation : public std::enable_shared_from_this<Generation> {
 public:
  // Reads the store; neither asks nor does anything yet. Errors as Client::Create, and those of the
  // store and of the scratch directory. `permanent` must outlive it.
  static Result<std::shared_ptr<Generation>> Create(Permanent& permanent, Settings settings);
  ~Generation() { Finish(); }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // From now on the metrics speak of this configuration, and the schedules run.
  void Start();
  // Nothing begins from now on. Does not wait.
  void Retire() { retired_.request_stop(); }
  // Retires, and waits for what had begun.
  void Finish();
  // Whether all that had begun has ended.
  bool idle() const { return running_ == 0; }

  // On a thread of its own, which keeps this generation alive; false if such a run is going on.
  bool TakeSnapshotNow();
  bool DrillNow();

  const config::Config& config() const { return settings_.config; }

 private:
  using Task = void (SidecarTasks::*)(const Context& run);
  using LastRun =
      std::optional<WallTime> SidecarTasks::LastRuns::*;  // null: nobody knows when it ran

  Generation(Permanent& permanent, Settings settings, std::unique_ptr<etcd::Client> client);
  // A task of which the metrics tell when it ran last and runs next.
  void Schedule(report::Task name, const std::optional<config::Schedule>& schedule, Duration jitter,
                LastRun last, TaskGate& gate, Task task, void (report::Metrics::*skipped)());
  // A task that mostly finds nothing to do; nobody is told when.
  void Look(TaskGate& gate, Duration every, Task task);
  void Schedule(TaskGate& gate, LastRun last, ScheduledTask scheduled);
  // Returns false if this generation retires meanwhile.
  bool WaitForEarlierRun(TaskGate& gate, LastRun last, std::optional<WallTime>& last_run);
  // As the store has it now.
  std::optional<WallTime> ReadLast(LastRun last);
  void Run(Task task);
  void Run(report::Task name, Task task);

  Permanent& permanent_;
  const Settings settings_;
  const std::unique_ptr<etcd::Client> client_;
  std::stop_source retired_;
  const std::stop_callback<std::function<void()>> on_stop_;
  SidecarTasks tasks_;
  SidecarTasks::LastRuns last_;
  std::atomic<int> running_ = 0;
  std::vector<std::jthread> schedules_;  // last: joined before what they use goes
};

}  // namespace etcdrill::sidecar
