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
  TimeLimit(const Context& outer, Duration limit)
      : deadline_(outer.clock.Monotonic() + limit),
        inner_(outer.With(stop_.get_token())),
        forward_(outer.stop, [this] { stop_.request_stop(); }),
        timer_([this, &clock = outer.clock](const std::stop_token& ended) {
          if (!clock.SleepUntil(deadline_, ended) || inner_.stop.stop_requested()) return;
          over_ = true;
          stop_.request_stop();
        }) {}

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
