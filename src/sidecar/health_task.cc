// Who differed may be no member any more, and only a round of all endpoints knows.
#include <utility>

#include "crosscheck/live_head.h"
#include "crosscheck/suspicion.h"
#include "etcd/health.h"
#include "sidecar/decisions.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

class HealthTask final : public Task {
 public:
  HealthTask(ClusterState& state, report::ClusterMetrics& metrics)
      : Task(state, metrics, report::Task::kHealth) {}

  void Run(const Context& run, const Generation& by, Occasion) override {
    etcd::HealthRound round = etcd::ProbeAll(by.client(), run.clock, state_.KnownCluster());
    for (const etcd::RollEntry& entry : round.roll.entries) {
      metrics_.ProbeTook(entry.address, SecondsOf(round.probes[entry.endpoint].latency));
    }
    if (by.retired().stop_requested()) return;
    const etcd::RollCall roll = round.roll;
    TellOddEndpoints(run, by, roll);
    if (state_.MembersDisagree()) {
      crosscheck::ForgetSuspects(state_.cluster(), roll, {}, state_.store()).IgnoreError();
    }
    state_.SetHealth(std::move(round));
    crosscheck::HeadHistory heads = state_.Heads();  // which nobody else changes
    heads.Saw(run.clock.Monotonic(), roll, [&] { return crosscheck::ReadHead(by.client(), roll); });
    state_.SetHeads(by.shared_config(), std::move(heads));
  }

 private:
  void TellOddEndpoints(const Context& run, const Generation& by, const etcd::RollCall& roll) {
    if (IsFirstBy(by)) told_ = {};
    for (const EndpointNews& news : told_.NewsOf(roll)) {
      switch (news.kind) {
        case EndpointNews::Kind::kTorn:
          run.log.Error("endpoints belong to different clusters", {{"err", news.why}});
          break;
        case EndpointNews::Kind::kMemberAgain:
          run.log.Info("endpoint accepted again", {{"endpoint", news.address}});
          break;
        case EndpointNews::Kind::kSecondName:
          run.log.Warn("duplicate endpoint found", {{"endpoint", news.address}, {"err", news.why}});
          break;
        case EndpointNews::Kind::kNotOurs:
          run.log.Error("endpoint ignored: not a member of the cluster",
                        {{"endpoint", news.address}, {"err", news.why}});
          break;
      }
    }
  }

  ToldEndpoints told_;
};

}  // namespace

std::unique_ptr<Task> MakeHealthTask(ClusterState& state, report::ClusterMetrics& metrics) {
  return std::make_unique<HealthTask>(state, metrics);
}

}  // namespace etcdrill::sidecar
