// What becomes of a file is held to it, until it changes or the configuration does.
#include <filesystem>

#include "sidecar/tasks.h"
#include "support/snapshots.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using testing::Scene;

TEST_CASE("a file of old bytes is told of once, and once more by a new configuration") {
  Scene s;
  s.Add(7, std::chrono::hours(1), "same bytes");
  const std::string path = s.test.Path("others.db");
  etcdrill::testing::WriteFile(path, "same bytes");
  // The clock of the test is behind that of the machine.
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - std::chrono::days(365));
  s.settings.config.adopt.files = {path};
  REQUIRE(s.state.Read(s.context).ok());
  const auto task = MakeAdoptTask(s.context, s.state, s.metrics, s.follow_up);
  auto generation = s.Generate();
  const auto look_twice = [&] {
    task->Run(s.context, *generation, Occasion::kLook);
    s.clock.SleepFor(s.settings.config.adopt.quiet, {});
    task->Run(s.context, *generation, Occasion::kLook);
  };
  look_twice();
  CHECK(s.Logged(LogLevel::kWarn) == 1);
  look_twice();
  CHECK(s.Logged(LogLevel::kWarn) == 1);
  generation = s.Generate();
  look_twice();
  CHECK(s.Logged(LogLevel::kWarn) == 2);
  CHECK(s.metrics.activity().snapshot_consecutive_failures == 0);  // no attempt that failed
}

}  // namespace
}  // namespace etcdrill::sidecar
