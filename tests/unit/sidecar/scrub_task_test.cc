// What has rotted is found when its turn comes, and what is right again, too.
#include "sidecar/tasks.h"
#include "support/snapshots.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;
using testing::Scene;

TEST_CASE("a snapshot is hashed when it is due, found damaged, and right again") {
  Scene s;
  const auto task = MakeScrubTask(s.state, s.metrics);
  const std::string path = s.store->SnapshotPath(s.Add(7, 8 * 24h, "bytes"));
  const auto generation = s.Generate();
  const auto scrub = [&] {
    task->Run(s.context, *generation, Occasion::kDue);
    return s.state.Stored()->snapshots.at(0);
  };
  CHECK(scrub().checks.hashed.has_value());
  etcdrill::testing::WriteFile(path, "bytez");
  CHECK(scrub().IsUsable());  // not due again
  s.clock.SleepFor(4 * 24h, {});
  CHECK_FALSE(scrub().IsUsable());
  CHECK(s.Logged(LogLevel::kError) == 1);
  etcdrill::testing::WriteFile(path, "bytes");
  s.clock.SleepFor(1h, {});
  CHECK(scrub().IsUsable());
  CHECK(s.Logged(LogLevel::kError) == 1);
}

TEST_CASE("nothing is begun by a configuration that is gone") {
  Scene s;
  const auto task = MakeScrubTask(s.state, s.metrics);
  s.Add(7, 8 * 24h);
  const auto generation = s.Generate();
  generation->Retire();
  task->Run(s.context, *generation, Occasion::kDue);
  CHECK_FALSE(s.state.Stored()->snapshots.at(0).checks.hashed.has_value());
}

}  // namespace
}  // namespace etcdrill::sidecar
