// Two kinds of timetable behind one loop.
#include "sidecar/scheduler.h"

#include <algorithm>
#include <memory>

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

// How soon a jump of the wall clock is noticed.
constexpr Duration kLookEvery = 10s;
// What cron can tell apart. A clock that is put back by less does not make a time come twice.
constexpr Duration kCronTick = 1min;
constexpr int kRetryPart = 10;  // of an interval
constexpr Duration kRetryMax = 5min;

class Timetable {
 public:
  virtual ~Timetable() = default;
  // Time until the next run; nothing or less if it is due.
  virtual Duration Remaining() = 0;
  // Makes the first due time after now the next one; tells how many were passed over.
  virtual size_t MoveOn() = 0;
};

// A last run in the future tells of a clock that went back, which must not stop the schedule.
bool Known(std::optional<WallTime> last, WallTime now) { return last.has_value() && *last <= now; }

class EveryTimetable final : public Timetable {
 public:
  EveryTimetable(Clock& clock, const ScheduledTask& task)
      : clock_(clock),
        task_(task),
        every_(task.schedule.every),
        looked_(MomentOf(clock)),
        due_(looked_.monotonic + Delay(looked_.wall, task.last)) {}

  Duration Remaining() override {
    const Moment now = MomentOf(clock_);
    const bool was_set = WasSet(looked_, now);
    looked_ = now;
    if (was_set && task_.last_again)
      due_ = std::min(due_, now.monotonic + Delay(now.wall, task_.last_again()));
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
  Duration Delay(WallTime now, std::optional<WallTime> last) const {
    const bool overdue = !Known(last, now) || *last + every_ <= now;
    return overdue ? task_.offset : *last + every_ - now;
  }

  Clock& clock_;
  const ScheduledTask& task_;
  const Duration every_;
  Moment looked_;  // at the clocks
  MonotonicTime due_;
};

class CronTimetable final : public Timetable {
 public:
  CronTimetable(Clock& clock, const ScheduledTask& task)
      : clock_(clock), times_(*task.schedule.cron), offset_(task.offset) {
    const WallTime now = clock.Now();
    if (Known(task.last, now)) due_ = times_.NextAfter(*task.last - offset_);
    if (!Known(task.last, now) || due_ <= Now()) due_ = now;  // overdue: once the offset is over
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
  const config::CronTimes& times_;
  const Duration offset_;
  WallTime due_;                    // these two without the offset
  std::optional<WallTime> passed_;  // the last due time that came
};

std::unique_ptr<Timetable> MakeTimetable(Clock& clock, const ScheduledTask& task) {
  if (task.schedule.cron.has_value()) return std::make_unique<CronTimetable>(clock, task);
  return std::make_unique<EveryTimetable>(clock, task);
}

}  // namespace

void RunSchedule(Clock& clock, const std::stop_token& stop, const ScheduledTask& task) {
  const std::unique_ptr<Timetable> timetable = MakeTimetable(clock, task);
  std::optional<WallTime> told;
  const auto tell = [&] {
    if (stop.stop_requested()) return;
    const WallTime next = clock.Now() + std::max(timetable->Remaining(), Duration::zero());
    if (told.has_value() && std::chrono::abs(next - *told) < 1s) return;
    told = next;
    task.on_next(next);
  };
  while (true) {
    for (Duration left; (left = timetable->Remaining()) > Duration::zero();) {
      tell();
      if (!clock.SleepFor(std::min(left, kLookEvery), stop)) return;
    }
    if (stop.stop_requested()) return;
    timetable->MoveOn();  // one run for all that passed
    tell();
    task.run();
    for (size_t passed = timetable->MoveOn(); passed > 0; --passed) task.on_skipped();
  }
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
