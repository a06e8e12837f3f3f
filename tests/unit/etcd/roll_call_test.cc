// Which endpoints lead to which member of which cluster: a table of what they say.
#include "etcd/roll_call.h"

#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/test_context.h"

namespace etcdrill::etcd {
namespace {

using Catch::Matchers::ContainsSubstring;
using testing::FakeEtcd;
using testing::FakeState;
using testing::TestContext;

constexpr uint64_t kOurs = 0xa;
constexpr uint64_t kOther = 0xb;

RollEntry Says(uint64_t cluster_id, uint64_t member_id, uint64_t applied = 100) {
  RollEntry entry;
  entry.status = MemberStatus{.cluster_id = cluster_id, .member_id = member_id};
  entry.status->raft_applied_index = applied;
  return entry;
}

RollEntry Silent(Reason reason = Reason::kConnect) {
  RollEntry entry;
  entry.error = Error(reason, "gone");
  return entry;
}

// Named e0, e1, ...; asked again each says the same, but is `later` entries further.
RollCall Call(std::vector<RollEntry> entries, std::optional<uint64_t> known = std::nullopt,
              uint64_t later = 0) {
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].endpoint = i;
    entries[i].address = "e" + std::to_string(i);
  }
  return JudgeEntries(std::move(entries), known,
                      [later](const RollEntry& entry) -> Result<MemberStatus> {
                        MemberStatus status = *entry.status;
                        status.raft_applied_index += later;
                        return status;
                      });
}

std::vector<Standing> StandingsOf(const RollCall& roll) {
  std::vector<Standing> standings;
  for (const RollEntry& entry : roll.entries) standings.push_back(entry.standing);
  return standings;
}

using enum Standing;
using Standings = std::vector<Standing>;

TEST_CASE("members of one cluster") {
  const RollCall roll = Call({Says(kOurs, 1), Says(kOurs, 2), Silent()});
  CHECK(roll.outcome.ok());
  CHECK(roll.cluster_id == kOurs);
  CHECK(StandingsOf(roll) == Standings{kMember, kMember, kSilent});
  CHECK(roll.Members().size() == 3);
  CHECK(roll.Remarks().empty());
}

TEST_CASE("a member under two names is one member") {
  const RollCall roll = Call({Says(kOurs, 1), Says(kOurs, 1), Says(kOurs, 2)});
  CHECK(StandingsOf(roll) == Standings{kMember, kSecondName, kMember});
  CHECK(roll.Members().size() == 2);
  CHECK(roll.WaysTo(roll.entries[0]).size() == 2);
  CHECK(roll.WaysTo(roll.entries[2]).size() == 1);
  CHECK(roll.entries[1].same_as == "e0");
  CHECK(roll.Remarks() ==
        std::vector<std::string>{"e0 and e1 are the same member, 1, which counts once"});
  CHECK(StandingsOf(Call({Says(kOurs, 1, 100), Says(kOurs, 1, 103)}, kOurs, 5)) ==
        Standings{kMember, kSecondName});
}

TEST_CASE(
    "two clusters that were made with the same addresses have the same ids, and are told apart by "
    "raft") {
  const uint64_t second = GENERATE(uint64_t{99}, uint64_t{106});
  const RollCall roll = Call({Says(kOurs, 1, 100), Says(kOurs, 1, second)}, kOurs, 5);
  CHECK(ReasonOf(roll.outcome) == Reason::kOtherCluster);
  CHECK(StandingsOf(roll) == Standings{kOtherCluster, kOtherCluster});
  CHECK_THAT(std::string(MessageOf(roll.outcome)), ContainsSubstring("e0 and e1 both report"));
}

TEST_CASE("an endpoint of another cluster, by number") {
  const RollCall roll = Call({Says(kOther, 9), Says(kOurs, 1), Says(kOurs, 2)});
  CHECK(roll.cluster_id == kOurs);
  CHECK(StandingsOf(roll) == Standings{kOtherCluster, kMember, kMember});
  CHECK(roll.Members().size() == 2);
  CHECK_THAT(roll.entries[0].remark, ContainsSubstring("e0 belongs to cluster b, the others to a"));
  // Two names are no two members.
  CHECK_FALSE(Call({Says(kOther, 9), Says(kOther, 9), Says(kOurs, 1)}).cluster_id.has_value());
}

TEST_CASE("what is stored goes before the number, and any order is the same") {
  CHECK(Call({Says(kOther, 8), Says(kOther, 9), Says(kOurs, 1)}, kOurs).cluster_id == kOurs);
  CHECK(Call({Says(kOurs, 1), Says(kOther, 8), Says(kOther, 9)}, kOurs).cluster_id == kOurs);
  CHECK(Call({Says(kOurs, 1), Says(kOther, 9)}, kOther).cluster_id == kOther);
}

TEST_CASE("nobody can tell which of two is ours") {
  for (auto entries : {std::vector{Says(kOurs, 1), Says(kOther, 9)},
                       std::vector{Says(kOther, 9), Says(kOurs, 1)}}) {
    const RollCall roll = Call(entries);
    CHECK_FALSE(roll.cluster_id.has_value());
    CHECK(ReasonOf(roll.outcome) == Reason::kOtherCluster);
    CHECK(StandingsOf(roll) == Standings{kOtherCluster, kOtherCluster});
    CHECK(roll.Members().empty());
  }
  CHECK_FALSE(
      Call({Says(kOther, 8), Says(kOther, 9), Says(kOurs, 1), Silent()}).cluster_id.has_value());
}

TEST_CASE("a cluster that is alone is ours, unless the one that we know may only be down") {
  CHECK(Call({Says(kOther, 9)}).cluster_id == kOther);
  CHECK(Call({Says(kOther, 9), Silent(), Silent()}).cluster_id == kOther);
  CHECK(Call({Says(kOther, 9)}, kOurs).cluster_id == kOther);  // restored: there is nobody else
  CHECK(Call({Says(kOther, 8), Says(kOther, 9)}, kOurs).cluster_id == kOther);
  CHECK(Call({Says(kOther, 8), Says(kOther, 9), Silent(), Says(kOurs, 1)}, kOurs).cluster_id ==
        kOurs);
  // However many of another one answer.
  CHECK_FALSE(Call({Says(kOther, 8), Says(kOther, 9), Silent()}, kOurs).cluster_id.has_value());
  CHECK(ReasonOf(Call({Says(kOther, 8), Says(0xc, 9), Silent()}, kOurs).outcome) ==
        Reason::kConnect);
  const RollCall roll = Call({Says(kOther, 9), Silent(), Silent()}, kOurs);
  CHECK_FALSE(roll.cluster_id.has_value());
  CHECK(ReasonOf(roll.outcome) == Reason::kConnect);  // it may pass
  CHECK_THAT(std::string(MessageOf(roll.outcome)), ContainsSubstring("only e0 of b answers"));
}

TEST_CASE("of those that are silent the most telling reason counts") {
  CHECK(ReasonOf(Call({Silent(Reason::kAuth), Silent(), Silent(Reason::kTimeout)}).outcome) ==
        Reason::kAuth);
  CHECK(ReasonOf(Call({Silent(), Silent(Reason::kTimeout)}).outcome) == Reason::kTimeout);
}

TEST_CASE("a member that is in nobody's list was removed") {
  TestContext test;
  FakeEtcd leader;
  FakeEtcd removed;
  leader.Set([](FakeState& s) {
    s.status.cluster_id = s.membership.cluster_id = kOurs;
    s.status.member_id = s.status.leader_id = 1;
    s.membership.members = {{.id = 1}, {.id = 2}};
  });
  removed.Set([](FakeState& s) {
    s.status.cluster_id = s.membership.cluster_id = kOurs;
    s.status.member_id = 3;
    s.membership.members = {{.id = 1}, {.id = 2}, {.id = 3}};  // it has not heard
  });
  ConnectionOptions options;
  std::string second_name = removed.endpoint();
  second_name.replace(second_name.find("127.0.0.1"), std::string_view("127.0.0.1").size(),
                      "localhost");
  options.endpoints = {removed.endpoint(), "http://127.0.0.1:1", leader.endpoint(), second_name};
  const auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  const RollCall roll = CallRoll(**client, std::nullopt);
  CHECK(StandingsOf(roll) == Standings{kRemoved, kSilent, kMember, kRemoved});
  REQUIRE(roll.membership.has_value());
  CHECK(roll.membership->members.size() == 2);
  CHECK_THAT(roll.entries[0].remark, ContainsSubstring("is member 3, which was removed"));
}

}  // namespace
}  // namespace etcdrill::etcd
