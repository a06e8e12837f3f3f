// Says when: one thread looks at the timetables of all tasks and begins what is due, elsewhere. Due
// times that pass while nobody can act (a suspended machine, a jump of the clock ahead) make one
// run, at once. Those that pass while a run of the task goes on are skipped and counted, never
// queued.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/schedule.h"
#include "sidecar/timetable.h"

namespace etcdrill::sidecar {

// The functions are called with the timer's lock held: they return at once, and call no function of
// the timer.
struct ScheduledTask {
  config::Schedule schedule;
  Duration offset{};
  LastRun last;
  std::function<bool()> is_free;  // no run is going on, and one may begin
  std::function<bool()> start;    // begins a run; false, and nothing begins, if it is not free
  std::function<void(WallTime)> on_next = [](WallTime) {};  // told when the next run is due
  std::function<void()> on_skipped = [] {};
};

// Safe for use from any thread.
class Timer {
 public:
  // `clock` must outlive it.
  explicit Timer(Clock& clock) : clock_(clock) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // These are the tasks of `whose` from now on, in place of those before, of which no function is
  // called any more. A task that is not free gets its timetable once it is.
  void Set(const std::string& whose, std::vector<ScheduledTask> tasks);
  // A task has become free. Must not be called by who holds a lock that a ScheduledTask takes.
  void Wake();
  // The timer's thread: begins what is due until `stop` is requested.
  void Run(const std::stop_token& stop);

 private:
  struct Entry {
    ScheduledTask task;
    std::unique_ptr<Timetable> timetable;  // null until the task is free
    bool runs = false;                     // begun by us, and maybe not ended yet
    std::optional<WallTime> told;          // of the next run
  };
  // With mutex_ held. Returns how long nothing is due.
  Duration Attend(Entry& entry);
  void TellNext(Entry& entry);

  Clock& clock_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::vector<Entry>> entries_;
  std::stop_source nap_;  // ends the sleep that goes on
};

}  // namespace etcdrill::sidecar
