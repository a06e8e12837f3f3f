// When a drill begins where there is nothing to drill yet.
#include <filesystem>
#include <thread>

#include "sidecar/tasks.h"
#include "support/snapshots.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;
using testing::Scene;

TEST_CASE("one that waits for a snapshot ends with its configuration, and counts for nothing") {
  Scene s;
  const auto task = MakeDrillTask(s.state, s.metrics, s.drill_turn);
  const auto generation = s.Generate();
  std::jthread retiring([&] {
    std::this_thread::sleep_for(20ms);
    generation->Retire();
  });
  task->Run(s.context, *generation, Occasion::kDue);
  CHECK_FALSE(s.metrics.activity().drill_started.has_value());
  CHECK(s.Logged(LogLevel::kError) == 0);
}

TEST_CASE("a file whose manifest does not come is waited for, and then a drill that failed") {
  Scene s;
  const auto task = MakeDrillTask(s.state, s.metrics, s.drill_turn);
  const std::string name = store::SnapshotName("c", 5, s.clock.Now());
  etcdrill::testing::WriteFile(s.store->SnapshotPath(name), "x");
  const auto run = [&] { task->Run(s.context, *s.Generate(), Occasion::kDue); };
  SECTION("it does not come") {
    run();
    CHECK(s.clock.passed() == 30s);
    CHECK(s.metrics.activity().drill_started.has_value());
    CHECK(s.state.Stored()->drills.size() == 1);
    CHECK(s.Logged(LogLevel::kError) == 1);
  }
  SECTION("it was no snapshot, and goes") {
    const auto generation = s.Generate();
    s.clock.At(5s, [&] {
      REQUIRE(s.test.fs().Unlink(s.store->SnapshotPath(name)).ok());
      generation->Retire();
    });
    task->Run(s.context, *generation, Occasion::kDue);
    CHECK(s.clock.passed() == 5s);
    CHECK_FALSE(s.metrics.activity().drill_started.has_value());
  }
}

TEST_CASE("a store that can't be read is a drill that failed") {
  Scene s;
  const auto task = MakeDrillTask(s.state, s.metrics, s.drill_turn);
  std::filesystem::remove_all(s.test.Path("store"));
  etcdrill::testing::WriteFile(s.test.Path("store"), "no directory");
  task->Run(s.context, *s.Generate(), Occasion::kAsked);
  CHECK(s.metrics.activity().drill_started.has_value());
  CHECK_FALSE(s.metrics.activity().drill_in_progress);
  CHECK(s.Logged(LogLevel::kError) == 2);  // of the store, and of the drill
}

}  // namespace
}  // namespace etcdrill::sidecar
