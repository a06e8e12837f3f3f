// One run of a task at a time, whoever asks for it: its schedule or a request.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace etcdrill::sidecar {

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

  enum class Wait { kWasFree, kBecameFree, kStopped };
  // Waits until no run is going on.
  Wait WaitUntilFree(const std::stop_token& stop);

 private:
  bool Close();
  void Open();

  std::mutex mutex_;
  std::condition_variable_any opened_;
  bool running_ = false;  // guarded by mutex_
  std::thread worker_;    // of whoever closed the gate; set under mutex_
};

}  // namespace etcdrill::sidecar
