// Which member is copied: a table of clusters.
#include "capture/member_choice.h"

#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/test_context.h"

namespace etcdrill::capture {
namespace {

constexpr uint64_t kLeader = 1;

// Member 1 leads; its address is "m1".
MemberView View(uint64_t id, uint64_t applied = 5000) {
  MemberView view;
  view.endpoint = id - 1;
  view.address = "m" + std::to_string(id);
  view.status.member_id = id;
  view.status.leader_id = kLeader;
  view.status.raft_index = applied;
  view.status.raft_applied_index = applied;
  return view;
}

std::vector<size_t> Order(const std::vector<MemberView>& members,
                          const std::set<uint64_t>& distrusted = {}) {
  std::vector<size_t> order;
  for (const Candidate& candidate : ChooseAmong(members, distrusted).candidates)
    order.push_back(candidate.endpoint + 1);
  return order;
}

using Members = std::vector<size_t>;

TEST_CASE("followers come before the leader, in the order of the configuration") {
  CHECK(Order({View(1)}) == Members{1});
  CHECK(Order({View(1), View(2), View(3)}) == Members{2, 3, 1});
  CHECK(Order({View(3, 4990), View(1), View(2)}) == Members{3, 2, 1});
  CHECK(ChooseAmong({View(1), View(2, 4990)}, {}).candidates[0].why ==
        "follower, 10 entries behind");
}

TEST_CASE("members whose data may be behind or wrong are passed over, by name") {
  std::vector<MemberView> members = {View(1), View(2), View(3)};
  MemberView& third = members[2];
  std::string why;
  std::set<uint64_t> distrusted;
  SECTION("learner") {
    third.status.is_learner = true;
    why = "m3 is a learner";
  }
  SECTION("no leader") {
    third.status.leader_id = 0;
    why = "m3 has no leader";
  }
  SECTION("corrupt") {
    third.corrupt = true;
    why = "m3 has raised a CORRUPT alarm";
  }
  SECTION("lag") {
    third.status.raft_applied_index = 5000 - kLagMax - 1;
    why = "m3 is 1001 entries behind";
  }
  SECTION("distrusted") {
    distrusted = {3};
    why = "m3 held data that differs from most members, and no later comparison found it equal";
  }
  CHECK(Order(members, distrusted) == Members{2, 1});
  CHECK(ChooseAmong(members, distrusted).passed_over == why);
}

TEST_CASE("a member that raised CORRUPT is not copied, whoever tells of it") {
  testing::TestContext test;
  testing::FakeEtcd members[2];
  const auto alarms = [](etcd::AlarmType of_second) {
    return std::vector<etcd::Alarm>{{.member_id = 1, .type = etcd::AlarmType::kNoSpace},
                                    {.member_id = 2, .type = of_second}};
  };
  for (const uint64_t id : {uint64_t{1}, uint64_t{2}}) {
    members[id - 1].Set([&](testing::FakeState& s) {
      s.status = {.cluster_id = 7, .member_id = id, .leader_id = 1, .raft_applied_index = 9};
      s.membership = {.cluster_id = 7, .members = {{.id = 1}, {.id = 2}}};
    });
  }
  const auto client = etcd::Client::Create(
      {.endpoints = {members[0].endpoint(), members[1].endpoint()}}, test.context());
  REQUIRE(client.ok());
  const auto chosen = [&] {
    const etcd::RollCall roll = etcd::CallRoll(**client, std::nullopt);
    Members order;
    const auto candidates = ChooseMembers(**client, roll, {});
    REQUIRE(candidates.ok());
    for (const Candidate& candidate : *candidates) order.push_back(candidate.endpoint + 1);
    return order;
  };
  CHECK(chosen() == Members{2, 1});
  members[0].Set([&](testing::FakeState& s) { s.alarms = alarms(etcd::AlarmType::kNoSpace); });
  CHECK(chosen() == Members{2, 1});
  members[0].Set([&](testing::FakeState& s) { s.alarms = alarms(etcd::AlarmType::kCorrupt); });
  CHECK(chosen() == Members{1});
  members[0].Set([&](testing::FakeState& s) { s.deny_alarms = true; });
  CHECK(chosen() == Members{2, 1});  // nobody tells of it
  members[1].Set([&](testing::FakeState& s) { s.alarms = alarms(etcd::AlarmType::kCorrupt); });
  CHECK(chosen() == Members{1});
}

TEST_CASE("a lag that is only the time between two answers does no harm") {
  CHECK(Order({View(1), View(2, 5000 - kLagMax)}) == Members{2, 1});
  CHECK(ChooseAmong({View(1, 9000), View(2)}, {1}).candidates.empty());
}

}  // namespace
}  // namespace etcdrill::capture
