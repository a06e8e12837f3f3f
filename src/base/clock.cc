#include "base/clock.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <mutex>

namespace etcdrill {
namespace {

constexpr int kFirstYear = 1970;
constexpr int kLastYear = 2261;

using namespace std::chrono_literals;

// Longest wait in one go: those waits do not count the time in which the machine is suspended.
constexpr Duration kWaitMax = 30s;

class SystemClock final : public Clock {
 public:
  WallTime Now() override { return std::chrono::system_clock::now(); }
  MonotonicTime Monotonic() override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return MonotonicTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }

  bool SleepUntil(MonotonicTime until, const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      const Duration left = until - Monotonic();
      if (left <= Duration::zero()) return true;
      wake.wait_for(lock, stop, std::min(left, kWaitMax), [] { return false; });
    }
    return false;
  }
};

std::string FormatUtc(WallTime t, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(t));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

}  // namespace

std::unique_ptr<Clock> MakeSystemClock() { return std::make_unique<SystemClock>(); }

Moment MomentOf(Clock& clock) { return {clock.Now(), clock.Monotonic()}; }

bool WasSet(const Moment& before, const Moment& now) {
  const Duration by_wall = now.wall - before.wall;
  const Duration by_monotonic = now.monotonic - before.monotonic;
  return std::chrono::abs(by_wall - by_monotonic) > kClockSlack / 2;
}

double SecondsOf(Duration d) { return std::chrono::duration<double>(d).count(); }

double UnixSeconds(WallTime t) { return SecondsOf(t.time_since_epoch()); }

WallTime WallTimeOf(int64_t unix_seconds, int64_t nanoseconds) {
  using std::chrono::year;
  constexpr std::chrono::sys_seconds first = std::chrono::sys_days(year(kFirstYear) / 1 / 1);
  constexpr std::chrono::sys_seconds end = std::chrono::sys_days(year(kLastYear + 1) / 1 / 1);
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  if (time < first) return first;
  if (time >= end) return end - std::chrono::nanoseconds(1);
  return time + std::chrono::nanoseconds(nanoseconds);
}

std::string FormatRfc3339(WallTime t) { return FormatUtc(t, "%Y-%m-%dT%H:%M:%SZ"); }

std::string FormatCompactUtc(WallTime t) { return FormatUtc(t, "%Y%m%dT%H%M%SZ"); }

std::optional<WallTime> ParseRfc3339(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const int year = parts.tm_year + 1900;
  if (year < kFirstYear || year > kLastYear) return std::nullopt;
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

}  // namespace etcdrill
