#include "sites/at_once.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace etcdrill::sites {

Status ForEachAtOnce(const Context& context, size_t count,
                     const std::function<Status(size_t)>& act) {
  constexpr size_t kThreadsMax = 8;
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  Status first_error;  // guarded by mutex
  const auto work = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      Status done = context.CheckStop();
      if (done.ok()) done = act(i);
      if (done.ok()) continue;
      const std::lock_guard lock(mutex);
      if (first_error.ok()) first_error = done;
      failed = true;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < std::min(kThreadsMax, count); ++i) threads.emplace_back(work);
  }
  return first_error;
}

}  // namespace etcdrill::sites
