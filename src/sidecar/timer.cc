// Locks: the timer's comes first, those of a task, of the pool and of the metrics after it. Whoever
// ends a run holds none of them when it wakes the timer.
#include "sidecar/timer.h"

#include <algorithm>
#include <utility>

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

// How soon a jump of the wall clock is noticed.
constexpr Duration kLookEvery = 10s;

}  // namespace

void Timer::Set(const std::string& whose, std::vector<ScheduledTask> tasks) {
  {
    const std::lock_guard lock(mutex_);
    std::vector<Entry>& entries = entries_[whose];
    entries.clear();
    for (ScheduledTask& task : tasks) entries.emplace_back().task = std::move(task);
  }
  Wake();
}

void Timer::Wake() {
  std::unique_lock lock(mutex_);
  std::stop_source nap = nap_;
  lock.unlock();
  nap.request_stop();
}

void Timer::Run(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] { Wake(); });
  while (true) {
    std::unique_lock lock(mutex_);
    nap_ = std::stop_source();  // before anything is looked at: what changes later ends this nap
    const std::stop_token nap = nap_.get_token();
    if (stop.stop_requested()) return;
    Duration left = kLookEvery;
    for (auto& [whose, entries] : entries_) {
      for (Entry& entry : entries) left = std::min(left, Attend(entry));
    }
    lock.unlock();
    clock_.SleepFor(left, nap);
  }
}

Duration Timer::Attend(Entry& entry) {
  const ScheduledTask& task = entry.task;
  if (entry.timetable == nullptr || entry.runs) {
    if (!task.is_free()) return kLookEvery;  // we are woken when it is
    if (entry.timetable == nullptr)
      entry.timetable = MakeTimetable(clock_, task.schedule, task.offset, task.last);
    if (std::exchange(entry.runs, false)) {
      for (size_t passed = entry.timetable->MoveOn(); passed > 0; --passed) task.on_skipped();
    }
  }
  if (entry.timetable->Remaining() <= Duration::zero()) {
    entry.timetable->MoveOn();  // one run for all that passed
    TellNext(entry);
    entry.runs = task.start();
    if (entry.runs) return kLookEvery;
    task.on_skipped();  // somebody else began one
  }
  TellNext(entry);
  return std::max(entry.timetable->Remaining(), Duration::zero());
}

void Timer::TellNext(Entry& entry) {
  const WallTime next = clock_.Now() + std::max(entry.timetable->Remaining(), Duration::zero());
  if (entry.told.has_value() && std::chrono::abs(next - *entry.told) < 1s) return;
  entry.told = next;
  entry.task.on_next(next);
}

}  // namespace etcdrill::sidecar
