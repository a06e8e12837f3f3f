// What there is to know of it stands in cluster_state.cc.
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

class FollowStoreTask final : public Task {
 public:
  using Task::Task;

  void Run(const Context& run, const Generation&, Occasion) override { state_.FollowStore(run); }
};

}  // namespace

std::unique_ptr<Task> MakeFollowStoreTask(ClusterState& state, report::ClusterMetrics& metrics) {
  return std::make_unique<FollowStoreTask>(state, metrics);
}

}  // namespace etcdrill::sidecar
