// Runs one task when its schedule says so. Intervals are counted on the monotonic clock, so that a
// jump of the wall clock puts no run off; it makes one due sooner where what the last run left is
// older by the new time than an interval, or of unknown age. Times of cron are on the wall clock by
// their nature, which is therefore looked at again and again. Due times that pass while nobody can
// act (a suspended machine, a jump ahead) make one run, at once. Those that pass while the task
// runs are skipped and counted, never queued: each task has a thread of its own, so a long run only
// delays itself.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/random.h"
#include "config/schedule.h"

namespace etcdrill::sidecar {

struct ScheduledTask {
  config::Schedule schedule;
  Duration offset{};             // each due time is later by this
  std::optional<WallTime> last;  // before a restart; without one the first run is due at once
  // The same, when the wall clock was set; null: the schedule does not care for it.
  std::function<std::optional<WallTime>()> last_again;
  std::function<void()> run;
  std::function<void(WallTime)> on_next = [](WallTime) {};  // told when the next run is due
  std::function<void()> on_skipped = [] {};
};

// Returns when `stop` is requested.
void RunSchedule(Clock& clock, const std::stop_token& stop, const ScheduledTask& task);

// A part of `jitter`, by which all runs of this process are later, so that many sidecars do not act
// at one moment while the interval of each stays what it is.
Duration OffsetWithin(Duration jitter, Random& random);

// For how long a run that failed may be tried again: an election or a restart is over in seconds,
// and must not cost a whole interval.
Duration RetryWindow(const std::optional<config::Schedule>& schedule);

}  // namespace etcdrill::sidecar
