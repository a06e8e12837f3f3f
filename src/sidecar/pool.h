// Says where: threads that are made at the start, so that a limit on them is an error there, and
// kept until the end. So whatever starts a child process on one of them is outlived by its thread,
// to which the child's parent-death signal belongs (prctl(2), PR_SET_PDEATHSIG).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace etcdrill::sidecar {

// Safe for use from any thread.
class Pool {
 public:
  explicit Pool(size_t threads);  // std::system_error if they can't be made
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  // Waits until all that was posted has ended, and joins the threads.
  ~Pool();

  // Does the work on a thread; what finds none free waits for its turn.
  void Post(std::function<void()> work);

 private:
  Pool() = default;
  void Work();

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<std::function<void()>> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace etcdrill::sidecar
