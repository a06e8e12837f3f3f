// One run of a task at a time, from whichever thread it is asked for. The thread sanitizer runs
// these, too: what they prove beyond the counts is that nothing is shared without a lock.
#include "sidecar/task_gate.h"

#include <atomic>
#include <chrono>
#include <vector>

#include "support/catch.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

TEST_CASE("runs that many threads ask for never overlap") {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> runs = 0;
  {
    TaskGate gate;
    const auto run = [&] {
      most = std::max<int>(most, ++inside);
      ++runs;
      --inside;
    };
    std::vector<std::jthread> askers;
    for (int i = 0; i < 4; ++i) {
      askers.emplace_back([&, i] {
        for (int n = 0; n < 500; ++n) i % 2 == 0 ? gate.RunHere(run) : gate.StartElsewhere(run);
      });
    }
  }
  CHECK(most == 1);
  CHECK(runs > 0);
}

TEST_CASE("a request that meets a run is told so at once") {
  TaskGate gate;
  std::stop_source release;
  std::atomic<bool> began = false;
  REQUIRE(gate.StartElsewhere([&] {
    began = true;
    while (!release.stop_requested()) std::this_thread::sleep_for(1ms);
  }));
  while (!began) std::this_thread::sleep_for(1ms);
  CHECK_FALSE(gate.StartElsewhere([] {}));
  CHECK_FALSE(gate.RunHere([] {}));
  // Free before or after it begins to wait: that is for the scheduler of the machine to say.
  std::jthread waiter([&] { CHECK(gate.WaitUntilFree({}) != TaskGate::Wait::kStopped); });
  release.request_stop();
  waiter.join();
  CHECK(gate.WaitUntilFree({}) == TaskGate::Wait::kWasFree);
}

// The run before may end at any moment, and its last step needs the gate's lock: who joins it must
// not hold that.
TEST_CASE("the next run waits for the thread of the one before, and not for ever") {
  TaskGate gate;
  int runs = 0;
  for (int n = 0; n < 2000; ++n) {
    while (!gate.StartElsewhere([&runs] { ++runs; })) std::this_thread::yield();
  }
  gate.WaitUntilFree({});
  CHECK(runs == 2000);
}

}  // namespace
}  // namespace etcdrill::sidecar
