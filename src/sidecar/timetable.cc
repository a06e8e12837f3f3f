#include "sidecar/timetable.h"

#include <algorithm>
#include <utility>

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

// What cron can tell apart. A clock that is put back by less does not make a time come twice.
constexpr Duration kCronTick = 1min;
constexpr int kRetryPart = 10;  // of an interval
constexpr Duration kRetryMax = 5min;

// A last run in the future tells of a clock that went back, which must not stop the schedule.
bool Known(std::optional<WallTime> last, WallTime now) { return last.has_value() && *last <= now; }

class EveryTimetable final : public Timetable {
 public:
  EveryTimetable(Clock& clock, Duration every, Duration offset, LastRun last)
      : clock_(clock),
        every_(every),
        offset_(offset),
        last_(std::move(last)),
        looked_(MomentOf(clock)),
        due_(looked_.monotonic + Delay(looked_.wall)) {}

  Duration Remaining() override {
    const Moment now = MomentOf(clock_);
    const bool was_set = WasSet(looked_, now);
    looked_ = now;
    if (was_set && last_) due_ = std::min(due_, now.monotonic + Delay(now.wall));
    return due_ - now.monotonic;
  }

  size_t MoveOn() override {
    const Duration late = clock_.Monotonic() - due_;
    if (late < Duration::zero()) return 0;
    const auto passed = late / every_ + 1;
    due_ += every_ * passed;
    return static_cast<size_t>(passed);
  }

 private:
  Duration Delay(WallTime now) const {
    const std::optional<WallTime> last = last_ ? last_() : std::nullopt;
    const bool overdue = !Known(last, now) || *last + every_ <= now;
    return overdue ? offset_ : *last + every_ - now;
  }

  Clock& clock_;
  const Duration every_;
  const Duration offset_;
  const LastRun last_;
  Moment looked_;  // at the clocks
  MonotonicTime due_;
};

class CronTimetable final : public Timetable {
 public:
  CronTimetable(Clock& clock, const config::CronTimes& times, Duration offset,
                std::optional<WallTime> last)
      : clock_(clock), times_(times), offset_(offset) {
    const WallTime now = clock.Now();
    if (Known(last, now)) due_ = times_.NextAfter(*last - offset_);
    if (!Known(last, now) || due_ <= Now()) due_ = now;  // overdue: once the offset is over
  }

  Duration Remaining() override {
    const WallTime now = Now();
    // A clock that went back brings due times again.
    if (now < due_) due_ = std::min(due_, times_.NextAfter(WasJust(now) ? *passed_ : now));
    return due_ - now;
  }

  size_t MoveOn() override {
    const WallTime now = Now();
    size_t count = 0;
    for (; due_ <= now; due_ = times_.NextAfter(due_)) {
      passed_ = due_;
      ++count;
    }
    return count;
  }

 private:
  WallTime Now() { return clock_.Now() - offset_; }
  bool WasJust(WallTime now) const {
    return passed_.has_value() && now < *passed_ && *passed_ - now < kCronTick;
  }

  Clock& clock_;
  const config::CronTimes times_;
  const Duration offset_;
  WallTime due_;                    // these two without the offset
  std::optional<WallTime> passed_;  // the last due time that came
};

}  // namespace

std::unique_ptr<Timetable> MakeTimetable(Clock& clock, const config::Schedule& schedule,
                                         Duration offset, LastRun last) {
  if (schedule.cron.has_value()) {
    return std::make_unique<CronTimetable>(clock, *schedule.cron, offset,
                                           last ? last() : std::nullopt);
  }
  return std::make_unique<EveryTimetable>(clock, schedule.every, offset, std::move(last));
}

Duration OffsetWithin(Duration jitter, Random& random) {
  if (jitter <= Duration::zero()) return Duration::zero();
  return Duration(static_cast<int64_t>(random.Next() % static_cast<uint64_t>(jitter.count())));
}

Duration RetryWindow(const std::optional<config::Schedule>& schedule) {
  if (!schedule.has_value()) return Duration::zero();
  return std::min<Duration>(schedule->LongestGap() / kRetryPart, kRetryMax);
}

}  // namespace etcdrill::sidecar
