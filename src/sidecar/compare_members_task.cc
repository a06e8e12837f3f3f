// Who differed is kept in the store, and read from there; what can't be kept counts until the next
// comparison.
#include "crosscheck/member_consistency.h"
#include "crosscheck/suspicion.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

class CompareMembersTask final : public Task {
 public:
  CompareMembersTask(ClusterState& state, report::ClusterMetrics& metrics)
      : Task(state, metrics, report::Task::kHashKv) {}

  void Run(const Context& run, const Generation& by, Occasion) override {
    const crosscheck::Consistency found =
        crosscheck::CompareMembers(run, by.client(), state_.KnownCluster());
    if (by.retired().stop_requested()) return;
    const crosscheck::Occasion occasion{state_.cluster(), found.revision, run.clock.Now()};
    const Status kept =
        crosscheck::KeepSuspects(occasion, SidesOf(found), found.roll, state_.store());
    if (!kept.ok()) run.log.Error("suspect record not written", {{"err", MessageOf(kept)}});
    if (found.equal.has_value() || found.alone)
      state_.SetMembersAgree(kept.ok() && found.equal == false ? std::nullopt : found.equal);
    state_.Refresh(run).status().IgnoreError();  // it is told
    if (found.equal == false) {
      run.log.Error("members disagree", {{"err", found.text}});
    } else if (found.equal == true) {
      run.log.Info("members agree", {{"text", found.text}});
    } else if (!found.alone) {
      run.log.Warn("members not comparable", {{"err", found.text}});
    }
  }
};

}  // namespace

std::unique_ptr<Task> MakeCompareMembersTask(ClusterState& state, report::ClusterMetrics& metrics) {
  return std::make_unique<CompareMembersTask>(state, metrics);
}

}  // namespace etcdrill::sidecar
