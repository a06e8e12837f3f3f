// What is known of a cluster, and what of it survives a store that can't be read.
#include "sidecar/cluster_state.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include "support/snapshots.h"
#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;
using testing::Scene;

// A directory in the place of the store's, that is none.
void TakeAway(Scene& s) {
  std::filesystem::rename(s.test.Path("store"), s.test.Path("aside"));
  etcdrill::testing::WriteFile(s.test.Path("store"), "no directory");
}

void BringBack(Scene& s) {
  std::filesystem::remove(s.test.Path("store"));
  std::filesystem::rename(s.test.Path("aside"), s.test.Path("store"));
}

TEST_CASE("what was read stands until it is read anew") {
  Scene s;
  CHECK_FALSE(s.state.View().store_problem.empty());
  CHECK_FALSE(s.state.Last().snapshot.has_value());
  s.Add(7, 1h);
  REQUIRE(s.state.Read(s.context).ok());
  CHECK(s.state.View().store_problem == "");
  CHECK(s.state.View().catalog->snapshots.size() == 1);
  CHECK(s.state.Last().snapshot == s.clock.Now() - 1h);
  TakeAway(s);
  REQUIRE_FALSE(s.state.Refresh(s.context).ok());
  REQUIRE_FALSE(s.state.Refresh(s.context).ok());
  CHECK(s.Logged(LogLevel::kError) == 1);  // told once
  CHECK_FALSE(s.state.View().store_problem.empty());
  CHECK(s.state.Last().snapshot == s.clock.Now() - 1h);
  BringBack(s);
  REQUIRE(s.state.Refresh(s.context).ok());
  CHECK(s.state.View().store_problem == "");
  TakeAway(s);
  REQUIRE_FALSE(s.state.Refresh(s.context).ok());
  CHECK(s.Logged(LogLevel::kError) == 2);
  BringBack(s);
}

TEST_CASE("a snapshot whose time has become one of the future is not the last") {
  Scene s;
  s.Add(7, 1h);
  REQUIRE(s.state.Read(s.context).ok());
  s.clock.Jump(-3h);
  CHECK_FALSE(s.state.Last().snapshot.has_value());
}

TEST_CASE("what another process did is seen, and nothing changes where nothing was done") {
  Scene s;
  REQUIRE(s.state.Read(s.context).ok());
  const auto before = s.state.Stored();
  s.state.FollowStore(s.context);
  CHECK(s.state.Stored() == before);
  s.Add(7);
  s.state.FollowStore(s.context);
  CHECK(s.state.Stored()->snapshots.size() == 1);
}

TEST_CASE("whoever waits for something in the store wakes when it came, or at a stop") {
  Scene s;
  REQUIRE(s.state.Read(s.context).ok());
  std::stop_source stop;
  std::atomic<bool> came = true;
  std::jthread waiting([&] { came = s.state.WaitForSomething(stop.get_token()); });
  SECTION("it came") {
    s.Add(7);
    REQUIRE(s.state.Read(s.context).ok());
    waiting.join();
    CHECK(came);
  }
  SECTION("a stop") {
    stop.request_stop();
    waiting.join();
    CHECK_FALSE(came);
  }
}

TEST_CASE("what was found of the members is in the view") {
  Scene s;
  CHECK_FALSE(s.state.MembersDisagree());
  CHECK(s.state.View().health == nullptr);
  s.state.SetHealth({.probes = {{.healthy = true}}});
  s.state.SetMembersAgree(false);
  CHECK(s.state.View().health->probes.size() == 1);
  CHECK(s.state.MembersDisagree());
}

}  // namespace
}  // namespace etcdrill::sidecar
