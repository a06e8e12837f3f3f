// When a task is due, by its schedule. Intervals are counted on the monotonic clock, so that a jump
// of the wall clock puts no run off; it makes one due sooner where what the last run left is older
// by the new time than an interval, or of unknown age. Times of cron are on the wall clock by their
// nature, which is therefore looked at again and again.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/random.h"
#include "config/schedule.h"

namespace etcdrill::sidecar {

// When the task ran last, as far as is known now. Null: nobody knows, and a run is due at once.
using LastRun = std::function<std::optional<WallTime>()>;

// Not thread-safe.
class Timetable {
 public:
  virtual ~Timetable() = default;
  // Time until the next run; nothing or less if it is due.
  virtual Duration Remaining() = 0;
  // Makes the first due time after now the next one; tells how many were passed over.
  virtual size_t MoveOn() = 0;
};

// Each due time is later by `offset`. `last` is asked now, and by intervals again each time the
// wall clock was set. `clock` must outlive it.
std::unique_ptr<Timetable> MakeTimetable(Clock& clock, const config::Schedule& schedule,
                                         Duration offset, LastRun last);

// A part of `jitter`, by which all runs of this process are later, so that many sidecars do not act
// at one moment while the interval of each stays what it is.
Duration OffsetWithin(Duration jitter, Random& random);

// For how long a run that failed may be tried again: an election or a restart is over in seconds,
// and must not cost a whole interval.
Duration RetryWindow(const std::optional<config::Schedule>& schedule);

}  // namespace etcdrill::sidecar
