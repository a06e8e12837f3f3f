// Runs one task at fixed intervals on the monotonic clock, so that a jump of the wall clock neither skips nor repeats a
// run. Each task has a thread of its own: a run that takes longer than its interval only delays itself, and the runs
// that fell due meanwhile are skipped and counted, never queued.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"

namespace etcdrill::pipeline {

struct Schedule {
  Duration every;
  Duration first_delay;  // from now
  std::function<void()> run;
  std::function<void(WallTime)> on_next = [](WallTime) {};  // told when the next run is due
  std::function<void()> on_skipped = [] {};
};

// Returns when `stop` is requested.
void RunSchedule(Clock& clock, const std::stop_token& stop, const Schedule& schedule);

// How long to wait before the first run after a start: until one interval after `last`; no time if that is past, or if
// there was none, or if `last` lies in the future.
Duration FirstDelay(WallTime now, std::optional<WallTime> last, Duration every);

}  // namespace etcdrill::pipeline
