// The loop of one task.
#include "pipeline/scheduler.h"

#include <algorithm>

namespace etcdrill::pipeline {

void RunSchedule(Clock& clock, const std::stop_token& stop, const Schedule& schedule) {
  MonotonicTime due = clock.Monotonic() + schedule.first_delay;
  while (true) {
    schedule.on_next(clock.Now() + std::max(Duration::zero(), Duration(due - clock.Monotonic())));
    if (!clock.SleepUntil(due, stop)) return;
    due += schedule.every;
    schedule.on_next(clock.Now() + Duration(due - clock.Monotonic()));
    schedule.run();
    while (due + schedule.every <= clock.Monotonic()) {
      due += schedule.every;
      schedule.on_skipped();
    }
  }
}

Duration FirstDelay(WallTime now, std::optional<WallTime> last, Duration every) {
  if (!last.has_value() || *last > now) return Duration::zero();
  return std::max(Duration::zero(), Duration(*last + every - now));
}

}  // namespace etcdrill::pipeline
