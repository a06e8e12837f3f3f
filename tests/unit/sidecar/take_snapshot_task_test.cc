// Who takes a snapshot that is due, where several sidecars take turns.
#include "sidecar/tasks.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;
using etcdrill::testing::FakeEtcd;
using testing::Scene;
using testing::Serve;

// A source that leads or not, and has no snapshot to give: an attempt shows as one that failed.
struct Turns : Scene {
  Turns() {
    settings.config.snapshot.when = config::When::kMemberIsLeader;
    settings.config.snapshot.schedule.reset();  // no retry
    settings.config.snapshot.skip_unchanged = false;
    settings.connection.endpoints = {fake.endpoint()};
    Serve(fake, 1, 2);
    generation = Generate();
    REQUIRE(state.Read(context).ok());
  }
  void Run(Occasion why) { task->Run(context, *generation, why); }
  double failures() const { return metrics.activity().snapshot_consecutive_failures; }

  FakeEtcd fake;
  std::shared_ptr<Generation> generation;
  std::unique_ptr<Task> task = MakeTakeSnapshotTask(state, metrics, follow_up);
};

TEST_CASE("the one beside a follower takes none, unless it is asked to") {
  Turns s;
  s.Run(Occasion::kLook);
  s.Run(Occasion::kDue);
  s.Run(Occasion::kLook);
  CHECK(s.failures() == 0);
  s.Run(Occasion::kAsked);
  CHECK(s.failures() == 1);
}

TEST_CASE("one that is owed is taken once its member leads, and once only") {
  Turns s;
  s.Run(Occasion::kDue);
  Serve(s.fake, 1, 1);
  s.Run(Occasion::kLook);
  CHECK(s.failures() == 1);
  s.Run(Occasion::kLook);
  CHECK(s.failures() == 1);
}

TEST_CASE("one that another has taken is owed no more, and makes good what failed") {
  Turns s;
  s.Run(Occasion::kAsked);
  CHECK(s.failures() == 1);
  s.Run(Occasion::kDue);
  CHECK(s.failures() == 1);
  s.clock.SleepFor(10s, {});
  s.Add(7);
  s.Run(Occasion::kLook);
  CHECK(s.failures() == 0);
  Serve(s.fake, 1, 1);
  s.Run(Occasion::kLook);
  CHECK(s.failures() == 0);
}

TEST_CASE("what was owed by a configuration that is gone is not owed by the next") {
  Turns s;
  s.Run(Occasion::kDue);
  s.generation = s.Generate();
  Serve(s.fake, 1, 1);
  s.Run(Occasion::kLook);
  CHECK(s.failures() == 0);
}

}  // namespace
}  // namespace etcdrill::sidecar
