// The thread of the run before is joined when the next one starts: it has ended by then, as the gate was open.
#include "app/task_gate.h"

namespace etcdrill::app {

bool TaskGate::RunHere(const std::function<void()>& run) {
  if (running_.exchange(true)) return false;
  run();
  running_ = false;
  return true;
}

bool TaskGate::StartElsewhere(std::function<void()> run) {
  if (running_.exchange(true)) return false;
  const std::lock_guard lock(mutex_);
  if (worker_.joinable()) worker_.join();
  worker_ = std::thread([this, run = std::move(run)] {
    run();
    running_ = false;
  });
  return true;
}

}  // namespace etcdrill::app
