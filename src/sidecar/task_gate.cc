// The thread of the run before is joined when the next one starts: it has ended by then, as the
// gate was open. It is joined without the lock, which its last step, opening the gate, needs.
#include "sidecar/task_gate.h"

#include <utility>

namespace etcdrill::sidecar {

bool TaskGate::Close() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(running_, true);
}

void TaskGate::Open() {
  const std::lock_guard lock(mutex_);
  running_ = false;
  opened_.notify_all();
}

bool TaskGate::RunHere(const std::function<void()>& run) {
  if (!Close()) return false;
  run();
  Open();
  return true;
}

bool TaskGate::StartElsewhere(std::function<void()> run) {
  if (!Close()) return false;
  if (worker_.joinable()) worker_.join();
  const std::lock_guard lock(mutex_);  // so that the gate does not open before this is done
  worker_ = std::thread([this, run = std::move(run)] {
    run();
    Open();
  });
  return true;
}

TaskGate::Wait TaskGate::WaitUntilFree(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!running_) return Wait::kWasFree;
  return opened_.wait(lock, stop, [this] { return !running_; }) ? Wait::kBecameFree
                                                                : Wait::kStopped;
}

}  // namespace etcdrill::sidecar
