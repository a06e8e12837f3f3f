// A disagreement is kept in the store, and stands until the members agree again.
#include "sidecar/tasks.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using etcdrill::testing::FakeEtcd;
using testing::Scene;
using testing::Serve;

TEST_CASE("members that differ are known from the store, and those that agree from the round") {
  Scene s;
  FakeEtcd fakes[2];
  Serve(fakes[0], 1, 1);
  Serve(fakes[1], 2, 1);
  s.settings.connection.endpoints = {fakes[0].endpoint(), fakes[1].endpoint()};
  const auto task = MakeCompareMembersTask(s.state, s.metrics);
  const auto generation = s.Generate();
  const auto compare = [&] { task->Run(s.context, *generation, Occasion::kDue); };
  compare();
  CHECK(s.state.View().members_agree == true);
  CHECK_FALSE(s.state.MembersDisagree());
  Serve(fakes[1], 2, 1, 7, 6);
  compare();
  CHECK_FALSE(s.state.View().members_agree.has_value());  // the store tells
  CHECK(s.state.MembersDisagree());
  CHECK(s.Logged(LogLevel::kError) == 1);
  Serve(fakes[1], 2, 1);
  compare();
  CHECK_FALSE(s.state.MembersDisagree());
}

TEST_CASE("nothing is kept of a round that a reload met") {
  Scene s;
  const auto task = MakeCompareMembersTask(s.state, s.metrics);
  const auto generation = s.Generate();
  generation->Retire();
  task->Run(s.context, *generation, Occasion::kDue);
  CHECK(s.Logged(LogLevel::kWarn) == 0);
}

}  // namespace
}  // namespace etcdrill::sidecar
