// What a round of probes leaves in the view and in the log.
#include "sidecar/tasks.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using etcdrill::testing::FakeEtcd;
using testing::Scene;
using testing::Serve;

TEST_CASE("the view has the newest round, and an odd endpoint is told once by a configuration") {
  Scene s;
  FakeEtcd fakes[2];
  Serve(fakes[0], 1, 1);
  Serve(fakes[1], 1, 1);  // another name of the same member
  s.settings.connection.endpoints = {fakes[0].endpoint(), fakes[1].endpoint()};
  const auto task = MakeHealthTask(s.state, s.metrics);
  auto generation = s.Generate();
  const auto probe = [&] { task->Run(s.context, *generation, Occasion::kDue); };
  probe();
  const auto health = s.state.View().health;
  REQUIRE(health != nullptr);
  REQUIRE(health->probes.size() == 2);
  CHECK(health->probes[0].healthy);
  CHECK(health->roll.entries[1].standing == etcd::Standing::kSecondName);
  CHECK(s.state.Heads().Head() == 90);
  CHECK(s.Logged(LogLevel::kWarn) == 1);
  probe();
  CHECK(s.Logged(LogLevel::kWarn) == 1);
  const auto before = generation;
  generation = s.Generate();
  CHECK_FALSE(s.state.Heads().Head().has_value());  // it may lead to another cluster
  task->Run(s.context, *before, Occasion::kDue);
  CHECK_FALSE(s.state.Heads().Head().has_value());
  probe();
  CHECK(s.state.Heads().Head() == 90);
  CHECK(s.Logged(LogLevel::kWarn) == 2);
}

TEST_CASE("a round that a reload met is not shown in place of the new configuration's") {
  Scene s;
  const auto task = MakeHealthTask(s.state, s.metrics);
  const auto generation = s.Generate();
  generation->Retire();
  task->Run(s.context, *generation, Occasion::kDue);
  CHECK(s.state.View().health == nullptr);
}

}  // namespace
}  // namespace etcdrill::sidecar
