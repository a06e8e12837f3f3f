// A clock on which time passes only while somebody sleeps, and on which things can be made to
// happen: jumps of the wall clock, a suspended machine. For schedules, which a real clock would
// test for as long as they run.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.h"

namespace etcdrill::testing {

// Not thread-safe: the test is the only sleeper.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime start) : wall_offset_(start.time_since_epoch()) {}

  WallTime Now() override { return WallTime(passed_ + wall_offset_); }
  MonotonicTime Monotonic() override { return MonotonicTime(passed_); }
  bool SleepUntil(MonotonicTime until, const std::stop_token& stop) override {
    while (!stop.stop_requested()) {
      const auto event = events_.begin();
      if (event == events_.end() || event->first > until.time_since_epoch()) {
        passed_ = std::max(passed_, Duration(until.time_since_epoch()));
        return true;
      }
      passed_ = std::max(passed_, event->first);
      const std::function<void()> what = event->second;
      events_.erase(event);
      what();
    }
    return false;
  }

  // Time since the test began.
  Duration passed() const { return passed_; }
  // Lets something happen then, in the middle of a sleep.
  void At(Duration when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
  // Of the wall clock alone.
  void Jump(Duration by) { wall_offset_ += by; }
  // Time that nobody notices as it passes.
  void Suspend(Duration length) { passed_ += length; }

 private:
  Duration passed_{};
  Duration wall_offset_;
  std::multimap<Duration, std::function<void()>> events_;
};

}  // namespace etcdrill::testing
