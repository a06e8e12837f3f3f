// One run of a task at a time, whoever asks for it: its schedule or a request.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace etcdrill::app {

// Safe for use from any thread.
class TaskGate {
 public:
  TaskGate() = default;
  TaskGate(const TaskGate&) = delete;
  TaskGate& operator=(const TaskGate&) = delete;
  ~TaskGate() {
    if (worker_.joinable()) worker_.join();
  }

  // Both return false, and run nothing, if a run is going on.
  bool RunHere(const std::function<void()>& run);
  bool StartElsewhere(std::function<void()> run);  // on a thread of its own

 private:
  std::atomic<bool> running_ = false;
  std::mutex mutex_;
  std::thread worker_;  // guarded by mutex_
};

}  // namespace etcdrill::app
