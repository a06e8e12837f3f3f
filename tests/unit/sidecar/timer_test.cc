// When tasks run, on a clock that is made to jump.
#include "sidecar/timer.h"

#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/fake_clock.h"

namespace etcdrill::sidecar {
namespace {

using etcdrill::testing::FakeClock;
using namespace std::chrono_literals;

config::Schedule Of(std::string_view text) { return **config::ParseSchedule(text); }

// A task whose runs end by themselves, on a timer that runs until the test's time is up.
struct Rehearsal {
  explicit Rehearsal(std::string_view schedule_text) : task{.schedule = Of(schedule_text)} {
    task.last = [this] { return last; };
    task.is_free = [this] { return free; };
    task.start = [this] {
      if (!free) return false;
      free = false;
      runs.push_back(clock.passed());
      on_start();
      const Duration length = lengths.empty() ? 0s : lengths[(runs.size() - 1) % lengths.size()];
      clock.At(clock.passed() + length, [this] { End(); });
      return true;
    };
    task.on_next = [this](WallTime time) { next = time; };
    task.on_skipped = [this] { ++skipped; };
  }

  void End() {
    free = true;
    timer.Wake();
  }

  void RunFor(Duration length) {
    clock.At(clock.passed() + length, [this] { stop.request_stop(); });
    timer.Set("test", {task});
    timer.Run(stop.get_token());
  }

  const WallTime start = *ParseRfc3339("2026-11-22T08:00:10Z");
  FakeClock clock{start};
  Timer timer{clock};
  ScheduledTask task;
  std::optional<WallTime> last;
  bool free = true;
  std::function<void()> on_start = [] {};
  std::vector<Duration> lengths;  // of the runs, in turn
  std::stop_source stop;
  std::vector<Duration> runs;  // when they began
  WallTime next;
  int skipped = 0;
};

std::vector<Duration> Gaps(const std::vector<Duration>& times) {
  std::vector<Duration> gaps;
  for (size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  return gaps;
}

TEST_CASE("a failed run is tried again for a part of its interval, and for minutes at most") {
  CHECK(RetryWindow(std::nullopt) == 0s);
  CHECK(RetryWindow(Of("@every 1s")) == 100ms);
  CHECK(RetryWindow(Of("@every 10m")) == 1min);
  CHECK(RetryWindow(Of("@every 1h")) == 5min);
  CHECK(RetryWindow(Of("0 3 * * *")) == 5min);
}

TEST_CASE("intervals do not drift in a year") {
  Rehearsal r("@every 1h");
  r.lengths = {3s, 10min, 59min};
  r.RunFor(365 * 24h);
  CHECK(r.runs.size() == 365 * 24);
  CHECK(r.runs.back() == 365 * 24h - 1h);
  CHECK(r.skipped == 0);
}

TEST_CASE("intervals do not care for the wall clock") {
  Rehearsal r("@every 1h");
  r.task.last = nullptr;
  r.clock.At(90min, [&] { r.clock.Jump(24h); });
  r.clock.At(10h + 1s, [&] { r.clock.Jump(-26h); });
  r.clock.At(20h, [&] { r.clock.Jump(-56 * 365 * 24h); });
  r.clock.At(30h + 30min, [&] { r.clock.Jump(80 * 365 * 24h); });
  r.RunFor(48h);
  CHECK(r.runs.size() == 48);
  for (const Duration gap : Gaps(r.runs)) CHECK(gap == 1h);
  CHECK(r.next == r.clock.Now());  // the time of the next run goes with the jumps
}

TEST_CASE("an interval is reckoned anew when the clock was set") {
  Rehearsal r("@every 1h");
  r.last = r.start + 3h - 10min;  // the clock is behind at the start
  r.on_start = [&] { r.last = r.clock.Now(); };
  const auto runs_with_jump = [&](Duration by) {
    r.clock.At(10s, [&r, by] { r.clock.Jump(by); });
    r.RunFor(110min);
    return r.runs;
  };
  using Times = std::vector<Duration>;
  SECTION("what was young is old") { CHECK(runs_with_jump(3h) == Times{0s, 10s, 60min + 10s}); }
  SECTION("what was young is older") { CHECK(runs_with_jump(20min) == Times{0s, 40min, 100min}); }
  SECTION("what was young lies in the future") {
    CHECK(runs_with_jump(-3h) == Times{0s, 10s, 60min + 10s});
  }
  SECTION("by as much as clocks may differ") { CHECK(runs_with_jump(2min) == Times{0s, 60min}); }
  SECTION("a run is never put off") {
    r.last = r.start - 50min;
    r.clock.At(5s, [&r] { r.last = r.start; });
    CHECK(runs_with_jump(5min) == Times{10min, 70min});
  }
}

TEST_CASE("times of cron go with the wall clock, without a burst or a loss") {
  Rehearsal r("0 * * * *");
  r.last = r.start - 1min;
  r.clock.At(5h + 30min, [&] { r.clock.Jump(24h); });
  SECTION("ahead") {
    r.RunFor(12h);
    CHECK(r.runs.size() ==
          14);  // twelve, one overdue at the start, and one for the day that was left out
  }
  SECTION("back by a little, again and again") {
    for (int i = 0; i < 400; ++i) r.clock.At(1min * i, [&] { r.clock.Jump(-500ms); });
    r.RunFor(12h);
    CHECK(r.runs.size() == 13);  // the last one now comes after the end
  }
  SECTION("back over the time of a run") {
    for (int i = 1; i < 12; ++i) r.clock.At(1h * i, [&] { r.clock.Jump(-20s); });
    r.RunFor(12h);
    CHECK(r.runs.size() == 13);
  }
  SECTION("back by an hour and a day") {
    r.clock.At(8h, [&] { r.clock.Jump(-25h); });
    r.RunFor(12h);
    CHECK(r.runs.size() == 14);
  }
  SECTION("to 1970 and to 2040") {
    r.clock.At(8h, [&] { r.clock.Jump(r.clock.Now().time_since_epoch() * -1); });
    r.clock.At(10h, [&] { r.clock.Jump(70 * 365 * 24h); });
    r.RunFor(12h);
    CHECK(r.runs.size() <= 15);
  }
  for (const Duration gap : Gaps(r.runs)) CHECK(gap <= 1h + 1min);
  CHECK(r.skipped == 0);
}

TEST_CASE("a machine that was suspended makes one run") {
  Rehearsal r(GENERATE("@every 1h", "0 * * * *"));
  r.last = r.start - 5s;
  r.clock.At(90min, [&] { r.clock.Suspend(10h); });
  r.RunFor(24h);
  CHECK(r.runs.size() == 24 - 10 + 1);
  CHECK(r.skipped == 0);
}

TEST_CASE("runs that fall due while one runs are skipped and counted, not queued") {
  Rehearsal r(GENERATE("@every 1h", "0 * * * *"));
  r.last = r.start - 5s;
  r.lengths = {3h + 10min, 1min};
  r.RunFor(24h + 15min);  // to the end of the last
  CHECK(r.runs.size() == 9);
  CHECK(r.skipped == 15);
  for (const Duration gap : Gaps(r.runs)) CHECK((gap == 4h || gap == 1h));
}

TEST_CASE("the first run after a start") {
  const auto first = [](std::string_view schedule, std::optional<Duration> age,
                        Duration offset = 0s) {
    Rehearsal r(schedule);
    if (age.has_value()) r.last = r.start - *age;
    r.task.offset = offset;
    // Not at once: a stop wakes the timer, whose lock is held here.
    r.on_start = [&r] { r.clock.At(r.clock.passed(), [&r] { r.stop.request_stop(); }); };
    r.RunFor(48h);
    return r.runs.at(0);
  };
  CHECK(first("@every 1h", std::nullopt) == 0s);
  CHECK(first("@every 1h", 10min) == 50min);
  CHECK(first("@every 1h", 2h) == 0s);
  CHECK(first("@every 1h", -1h) == 0s);  // a clock that went back must not stop the schedule
  CHECK(first("@every 1h", 2h, 40s) == 40s);
  CHECK(first("@every 1h", 10min, 40s) == 50min);
  CHECK(first("0 * * * *", std::nullopt) == 0s);
  CHECK(first("0 * * * *", 5s) == 59min + 50s);
  CHECK(first("0 * * * *", 20s) == 0s);
  CHECK(first("0 * * * *", -1h) == 0s);
  CHECK(first("0 * * * *", 5s, 40s) == 30s);  // 08:00:00 and the offset are yet to come
  CHECK(first("30 * * * *", 3h, 40s) == 40s);
  CHECK(first("@every 1h", 0s) == 1h);
  CHECK(first("0 * * * *", 0s) == 59min + 50s);
  CHECK(first("30 * * * *", 30min + 20s, 40s) == 40s);  // the run of 07:30:40 is overdue
}

TEST_CASE("a timer that was stopped during a run does not tell of a next one") {
  Rehearsal r(GENERATE("@every 1h", "0 * * * *"));
  r.lengths = {90min};
  r.clock.At(89min, [&] {
    r.next = {};
    r.stop.request_stop();
  });
  r.RunFor(2h);
  CHECK(r.runs.size() == 1);
  CHECK(r.next == WallTime());
}

TEST_CASE("an offset moves the runs, not their distance") {
  Rehearsal r("0 * * * *");
  r.task.offset = 7min;
  r.last = r.start;
  std::vector<WallTime> told;
  r.task.on_next = [&](WallTime next) { told.push_back(next); };
  r.on_start = [&] {
    CHECK(told.back() > r.clock.Now());  // the next one is known while this one runs
  };
  r.RunFor(5h);
  CHECK(told.size() == 6);
  CHECK(r.runs ==
        std::vector<Duration>{6min + 50s, 66min + 50s, 126min + 50s, 186min + 50s, 246min + 50s});
  const auto random = MakeSystemRandom();
  CHECK(OffsetWithin(0s, *random) == 0s);
  for (int i = 0; i < 100; ++i) CHECK(OffsetWithin(1ms, *random) < 1ms);
}

TEST_CASE("a run that somebody else began is waited for where it is due, and counted as skipped") {
  Rehearsal r("@every 1h");
  r.last = r.start;
  r.clock.At(50min, [&] { r.free = false; });
  r.clock.At(70min, [&] { r.End(); });
  r.RunFor(150min);
  CHECK(r.runs == std::vector<Duration>{120min});
  CHECK(r.skipped == 1);
}

TEST_CASE("what runs when the timetable is set gets it at its end, by what it left") {
  Rehearsal r("@every 1h");
  r.last = r.start - 2h;  // overdue, were it not for the run that goes on
  r.free = false;
  r.clock.At(20min, [&] {
    r.last = r.clock.Now();
    r.End();
  });
  r.RunFor(100min);
  CHECK(r.runs == std::vector<Duration>{80min});
  CHECK(r.skipped == 0);
}

TEST_CASE("a task that is taken off is neither begun nor told of") {
  Rehearsal r("@every 10m");
  r.clock.At(25min, [&] {
    r.timer.Set("test", {});
    r.next = {};
  });
  r.RunFor(2h);
  CHECK(r.runs == std::vector<Duration>{0s, 10min, 20min});
  CHECK(r.next == WallTime());
}

TEST_CASE("a long run of one task keeps no other from its turn") {
  Rehearsal r("@every 1m");
  r.last = r.start;
  int others = 0;
  bool other_free = true;
  r.timer.Set("other", {{.schedule = Of("@every 1m"),
                         .last = nullptr,
                         .is_free = [&] { return other_free; },
                         .start =
                             [&] {
                               ++others;
                               other_free = false;  // and never again
                               return true;
                             }}});
  r.RunFor(10min + 1s);
  CHECK(r.runs.size() == 10);
  CHECK(others == 1);
}

// The thread sanitizer runs this one, too.
TEST_CASE("tasks come, end and go on other threads") {
  const auto clock = MakeSystemClock();
  Timer timer(*clock);
  std::atomic<bool> free = true;
  std::atomic<int> runs = 0;
  std::jthread ticking([&](const std::stop_token& stop) { timer.Run(stop); });
  std::jthread ending([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!free.exchange(true)) timer.Wake();
      std::this_thread::yield();
    }
  });
  for (int n = 0; n < 50; ++n) {
    timer.Set("test", {{.schedule = config::Every(1ms),
                        .last = nullptr,
                        .is_free = [&] { return free.load(); },
                        .start =
                            [&] {
                              ++runs;
                              free = false;
                              return true;
                            }}});
    std::this_thread::sleep_for(2ms);
  }
  CHECK(runs > 0);
}

}  // namespace
}  // namespace etcdrill::sidecar
