// A deadline for work that only knows how to stop: a Context whose stop is requested when the time
// is up, too.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

#include "io/context.h"

namespace etcdrill {

// `outer` must outlive it.
class TimeLimit {
 public:
  TimeLimit(const Context& outer, Duration limit);

  const Context& context() const { return inner_; }
  MonotonicTime deadline() const { return deadline_; }
  // The time is up. False if it was a stop request that came first.
  bool over() const { return over_; }

 private:
  const MonotonicTime deadline_;
  std::stop_source stop_;
  const Context inner_;
  std::atomic<bool> over_ = false;
  std::stop_callback<std::function<void()>> forward_;
  std::jthread timer_;
};

}  // namespace etcdrill
