// One thing that the sidecar does for a cluster, again and again. Each task stands in a file of its
// own: what it decides is in pure functions beside it, what it asks for in its arguments.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "io/context.h"
#include "report/cluster_metrics.h"
#include "sidecar/cluster_state.h"
#include "sidecar/generation.h"
#include "sidecar/pool.h"

namespace etcdrill::sidecar {

// Why a run begins.
enum class Occasion {
  kDue,    // its schedule says so
  kLook,   // to see whether there is something to do; the metrics do not tell of it
  kAsked,  // somebody wants one now
};

// Stays over a reload. Start, IsFree and Close are safe for use from any thread; its own state
// belongs to the run that goes on, of which there is one at a time.
class Task {
 public:
  // `name`: by which the metrics tell when it ran; none if they do not. All references must outlive
  // it.
  Task(ClusterState& state, report::ClusterMetrics& metrics,
       std::optional<report::Task> name = std::nullopt)
      : state_(state), metrics_(metrics), name_(name) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;  // after Close, where it was started

  // Begins a run on a thread of `pool`; all that is logged in it carries the same run_id. `ended`
  // is called once the next run may begin. False, and nothing begins, if a run goes on, or after
  // Close. `pool` and `context` must outlive the run.
  bool Start(Pool& pool, const Context& context, std::shared_ptr<const Generation> by, Occasion why,
             std::function<void()> ended);
  bool IsFree() const;
  // Waits for the run that goes on; none begins any more.
  void Close();

  // One run, here and now. One that a stop request ended is neither a success nor a failure:
  // nothing is counted or kept of it.
  virtual void Run(const Context& run, const Generation& by, Occasion why) = 0;

  // Whether a look would find something to do, as far as is known without one.
  virtual bool MayLook() const { return true; }

  std::optional<report::Task> name() const { return name_; }

 protected:
  // Whether no run has asked this by the same configuration: what is kept of the one before is
  // void.
  bool IsFirstBy(const Generation& by) {
    return std::exchange(asked_by_, by.shared_config()) != by.shared_config();
  }

  ClusterState& state_;
  report::ClusterMetrics& metrics_;

 private:
  void RunOnce(const Context& context, const Generation& by, Occasion why);

  const std::optional<report::Task> name_;
  std::shared_ptr<const config::Config> asked_by_;  // of the run that goes on
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  // Guarded by mutex_.
  bool runs_ = false;
  bool closed_ = false;
};

}  // namespace etcdrill::sidecar
