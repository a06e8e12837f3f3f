// Time, as a seam. Wall time names things; monotonic time measures and schedules, because the wall
// clock may jump, and counts while the machine is suspended (unlike std::chrono::steady_clock).
// Sleeping ends early when a stop is requested.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace etcdrill {

using Duration = std::chrono::nanoseconds;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using MonotonicTime = std::chrono::steady_clock::time_point;

// All functions may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() = 0;
  virtual MonotonicTime Monotonic() = 0;
  // Returns false if `stop` was requested before `until`.
  virtual bool SleepUntil(MonotonicTime until, const std::stop_token& stop) = 0;

  bool SleepFor(Duration d, const std::stop_token& stop) {
    return SleepUntil(Monotonic() + d, stop);
  }
};

// What two clocks may differ by. A time further ahead of ours than this is no time: the clock that
// wrote it was wrong, or ours is, and nothing may count as young, new or proven because of it.
inline constexpr Duration kClockSlack = std::chrono::minutes(5);
inline bool IsFuture(WallTime t, WallTime now) { return t > now && t - now > kClockSlack; }

std::unique_ptr<Clock> MakeSystemClock();

// Both clocks at one time, to see later that the first one was set.
struct Moment {
  WallTime wall{};
  MonotonicTime monotonic{};
};
Moment MomentOf(Clock& clock);
// Whether the wall clock was set in between, by enough that other times may lie in the future.
bool WasSet(const Moment& before, const Moment& now);

double SecondsOf(Duration d);
double UnixSeconds(WallTime t);
// Cut to 1970 to 2261; file systems can hold other times.
WallTime WallTimeOf(int64_t unix_seconds, int64_t nanoseconds);
std::string FormatRfc3339(WallTime t);     // 2026-11-22T08:00:00Z
std::string FormatCompactUtc(WallTime t);  // 20261122T080000Z, for file names

// Exactly what FormatRfc3339 makes; none for a year outside of 1970 to 2261: between those, any two
// times have a difference that fits into Duration.
std::optional<WallTime> ParseRfc3339(const std::string& text);

// Measures one span on a clock.
class Stopwatch {
 public:
  explicit Stopwatch(Clock& clock) : clock_(clock), start_(clock.Monotonic()) {}
  Duration Elapsed() const { return clock_.Monotonic() - start_; }
  double Seconds() const { return SecondsOf(Elapsed()); }

 private:
  Clock& clock_;
  MonotonicTime start_;
};

}  // namespace etcdrill
