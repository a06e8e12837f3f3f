// One drill of a cluster at a time: each boots an etcd, whose memory was asked for as if it were
// alone.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>

namespace etcdrill::sidecar {

// Safe for use from any thread. Must outlive the turns.
class DrillTurn {
 public:
  // Waits for its turn, which lasts as long as what is returned. Null if `stop` was requested.
  std::shared_ptr<void> Take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool is_free = free_.wait(lock, stop, [this] { return !taken_; });
    if (!is_free || stop.stop_requested()) return nullptr;
    taken_ = true;
    return {this, [](DrillTurn* turn) { turn->End(); }};
  }

 private:
  void End() {
    const std::lock_guard lock(mutex_);
    taken_ = false;
    free_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable_any free_;
  bool taken_ = false;  // guarded by mutex_
};

}  // namespace etcdrill::sidecar
