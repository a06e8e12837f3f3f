// Each sidecar remembers that a snapshot is due until one is there, whoever took it: so the next
// leader's takes what the one before did not.
#include <atomic>
#include <optional>
#include <utility>

#include "etcd/roll_call.h"
#include "pipeline/take_snapshot.h"
#include "sidecar/tasks.h"
#include "sidecar/timetable.h"

namespace etcdrill::sidecar {
namespace {

class TakeSnapshotTask final : public Task {
 public:
  TakeSnapshotTask(ClusterState& state, report::ClusterMetrics& metrics,
                   SnapshotFollowUp& follow_up)
      : Task(state, metrics, report::Task::kSnapshot), follow_up_(follow_up) {}

  void Run(const Context& run, const Generation& by, Occasion why) override {
    if (IsFirstBy(by)) owed_since_.reset();
    switch (why) {
      case Occasion::kDue:
        by.config().snapshot.when == config::When::kMemberIsLeader ? TakeTurn(run, by)
                                                                   : TakeDue(run, by);
        break;
      case Occasion::kLook:
        TakeOwed(run, by);
        break;
      case Occasion::kAsked:
        Take(run, by);  // whoever asks for one gets one
        break;
    }
    owes_ = owed_since_.has_value();
  }
  bool MayLook() const override { return owes_; }

 private:
  void TakeTurn(const Context& run, const Generation& by) {
    owed_since_ = run.clock.Now();
    TakeOwed(run, by);
    if (owed_since_.has_value()) metrics_.SnapshotSkippedNotLeader();
  }

  void TakeOwed(const Context& run, const Generation& by) {
    if (!owed_since_.has_value()) return;
    state_.FollowStore(run);
    const bool is_taken = state_.Last().snapshot >= owed_since_;
    if (!is_taken && !IsBesideLeader(by)) return;
    owed_since_.reset();
    is_taken ? metrics_.SnapshotTakenByAnother() : TakeDue(run, by);
  }

  // Of the first endpoint. A member that began anew leads a cluster of its own.
  bool IsBesideLeader(const Generation& by) const {
    const auto status = by.client().endpoints().front().Status();
    if (!status.ok() || !status->is_leader()) return false;
    return etcd::CallRoll(by.client(), state_.KnownCluster()).entries.front().standing ==
           etcd::Standing::kMember;
  }

  void TakeDue(const Context& run, const Generation& by) {
    const config::SnapshotConfig& config = by.config().snapshot;
    if (config.skip_unchanged && follow_up_.ConfirmUnchanged(run, by, config.force_after)) return;
    Take(run, by);
  }

  void Take(const Context& run, const Generation& by) {
    const config::SnapshotConfig& config = by.config().snapshot;
    metrics_.SnapshotStarted();
    const auto outcome = pipeline::TakeSnapshot(run,
                                                {.client = by.client(),
                                                 .catalog = state_.follower(),
                                                 .cluster = state_.cluster(),
                                                 .timeout = config.timeout,
                                                 .retry_for = RetryWindow(config.schedule),
                                                 .no_retry = by.retired()},
                                                state_.store());
    follow_up_.Report(run, by, outcome, outcome.ok() ? outcome->manifest.size_bytes : 0);
  }

  SnapshotFollowUp& follow_up_;
  std::optional<WallTime> owed_since_;  // one was due then, and none is there yet
  std::atomic<bool> owes_ = false;      // the same, for who is on another thread
};

}  // namespace

std::unique_ptr<Task> MakeTakeSnapshotTask(ClusterState& state, report::ClusterMetrics& metrics,
                                           SnapshotFollowUp& follow_up) {
  return std::make_unique<TakeSnapshotTask>(state, metrics, follow_up);
}

}  // namespace etcdrill::sidecar
