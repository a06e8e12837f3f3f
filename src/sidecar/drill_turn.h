// One drill of a cluster at a time: each boots an etcd, whose memory was asked for as if it were
// alone.
#pragma once

#include <chrono>
#include <mutex>
#include <stop_token>

namespace etcdrill::sidecar {

// Safe for use from any thread.
class DrillTurn {
 public:
  // Waits for its turn, which lasts as long as the lock is held. Not held if `stop` came first.
  std::unique_lock<std::timed_mutex> Take(const std::stop_token& stop) {
    constexpr auto kLook = std::chrono::milliseconds(200);
    std::unique_lock lock(mutex_, std::defer_lock);
    while (!stop.stop_requested() && !lock.try_lock_for(kLook)) {
    }
    return lock;
  }

 private:
  std::timed_mutex mutex_;
};

}  // namespace etcdrill::sidecar
