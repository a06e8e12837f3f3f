// When the source was seen beyond a revision.
#include "crosscheck/head_history.h"

#include "support/catch.h"

namespace etcdrill::crosscheck {
namespace {

using etcd::RollCall;
using etcd::Standing;
using namespace std::chrono_literals;

// Of members at `revisions`, the first of which leads; 0: one that is silent.
RollCall RollAt(const std::vector<int64_t>& revisions, std::optional<uint64_t> cluster_id = 7) {
  RollCall roll{.cluster_id = cluster_id};
  for (const int64_t revision : revisions) {
    etcd::RollEntry& entry = roll.entries.emplace_back();
    if (revision == 0) continue;
    entry.standing = Standing::kMember;
    entry.status = {
        .cluster_id = 7, .member_id = roll.entries.size(), .revision = revision, .leader_id = 1};
  }
  return roll;
}

// What the cluster itself answers.
HeadHistory::ReadHead Head(int64_t revision) {
  return [revision] { return revision; };
}
const HeadHistory::ReadHead kSilent = [] { return Error(Reason::kTimeout, "no leader"); };

constexpr MonotonicTime At(Duration passed) { return MonotonicTime(passed); }

TEST_CASE("a revision is passed when the source was first seen beyond it") {
  HeadHistory heads;
  CHECK_FALSE(heads.PassedBy(1).has_value());
  heads.Saw(At(10s), RollAt({50}), kSilent);
  heads.Saw(At(20s), RollAt({50}), kSilent);
  CHECK(heads.PassedBy(49) == At(10s));
  CHECK_FALSE(heads.PassedBy(50).has_value());  // an idle source passes nothing
  heads.Saw(At(10h), RollAt({51}), kSilent);
  CHECK(heads.PassedBy(49) == At(10s));
  CHECK(heads.PassedBy(50) == At(10h));
  heads.Saw(At(11h), RollAt({0}), kSilent);
  CHECK(heads.PassedBy(50) == At(10h));
}

TEST_CASE("a revision is not reached while the source was last seen below it") {
  HeadHistory heads;
  CHECK_FALSE(heads.LastBelow(51).has_value());
  heads.Saw(At(10s), RollAt({50}), kSilent);
  heads.Saw(At(20s), RollAt({50, 50, 51}), kSilent);
  CHECK(heads.LastBelow(52) == At(20s));
  CHECK_FALSE(heads.LastBelow(51).has_value());  // one had it
  CHECK_FALSE(heads.LastBelow(50).has_value());
  heads.Saw(At(30s), RollAt({60}), kSilent);
  CHECK(heads.LastBelow(55) == At(20s));
  CHECK(heads.LastBelow(61) == At(30s));
}

TEST_CASE("one that follows alone says where the source was not, once the cluster confirms it") {
  const auto follower = [](int64_t revision) {
    RollCall roll = RollAt({revision});
    roll.entries[0].status->member_id = 2;
    return roll;
  };
  HeadHistory heads;
  heads.Saw(At(10s), follower(50), Head(50));
  heads.Saw(At(20s), follower(50), kSilent);
  CHECK(heads.LastBelow(51) == At(10s));
  heads.Saw(At(30s), follower(50), Head(60));  // it lags
  CHECK_FALSE(heads.LastBelow(55).has_value());
  CHECK(heads.LastBelow(61) == At(30s));
  heads.Saw(At(40s), follower(55), kSilent);
  CHECK(heads.LastBelow(61) == At(30s));
  CHECK(heads.PassedBy(54) == At(40s));
}

TEST_CASE("of a busy source it is known to a hundredth of its age, however long ago") {
  constexpr int kProbes = 20'000;
  HeadHistory heads;
  for (int i = 0; i <= kProbes; ++i) heads.Saw(At(i * 15s), RollAt({1000 + i}), kSilent);
  for (int i = -1; i < kProbes; ++i) {
    const auto passed = heads.PassedBy(1000 + i);
    REQUIRE(passed.has_value());
    REQUIRE(*passed >= At((i + 1) * 15s));
    REQUIRE(*passed <= At((i + 1) * 15s) + (kProbes - i) * 15s / 100);
  }
  for (int i = kProbes - 100; i < kProbes; ++i)
    CHECK(heads.PassedBy(1000 + i) == At((i + 1) * 15s));
  CHECK(heads.size() < 2000);
}

TEST_CASE("a source that went back, or is another cluster, has no past") {
  HeadHistory heads;
  heads.Saw(At(1h), RollAt({50}), kSilent);
  heads.Saw(At(2h), RollAt({40}), Head(40));
  CHECK_FALSE(heads.PassedBy(40).has_value());
  CHECK(heads.PassedBy(39) == At(2h));
  heads.Saw(At(3h), RollAt({60}, 8), kSilent);
  CHECK(heads.PassedBy(39) == At(3h));
  heads.Saw(At(4h), RollAt({70}, std::nullopt), kSilent);  // nobody can tell which cluster is ours
  CHECK_FALSE(heads.PassedBy(60).has_value());
}

TEST_CASE("a round of members that lag does not say that the source went back") {
  HeadHistory heads;
  heads.Saw(At(1s), RollAt({50, 50, 50}), kSilent);
  SECTION("the others are back soon") { heads.Saw(At(2s), RollAt({2, 0, 0}), Head(51)); }
  SECTION("nobody can be asked") { heads.Saw(At(2s), RollAt({2, 0, 0}), kSilent); }
  SECTION("it knows that it has no leader") {
    RollCall alone = RollAt({2, 0, 0});
    alone.entries[0].status->leader_id = 0;
    heads.Saw(At(2s), alone, Head(2));
  }
  SECTION("one that has no leader hides no other") {
    RollCall torn = RollAt({2, 51, 51});
    torn.entries[0].status->leader_id = 0;
    heads.Saw(At(2s), torn, Head(51));
    CHECK(heads.Head() == 51);
    return;
  }
  CHECK(heads.Head() == 50);
  CHECK(heads.PassedBy(2) == At(1s));
}

TEST_CASE("one member of several that lags, or claims what no other has, is not the source") {
  HeadHistory heads;
  heads.Saw(At(1s), RollAt({50, int64_t{1} << 62, 50}), kSilent);
  CHECK_FALSE(heads.PassedBy(50).has_value());
  heads.Saw(At(2s), RollAt({3, 55, 55}), kSilent);
  CHECK(heads.PassedBy(50) == At(2s));
  HeadHistory of_two;
  of_two.Saw(At(1s), RollAt({50, 90}), kSilent);
  CHECK_FALSE(of_two.PassedBy(50).has_value());
  CHECK(of_two.PassedBy(49) == At(1s));
  RollCall removed = RollAt({50, 90, 90});
  removed.entries[1].standing = Standing::kRemoved;
  removed.entries[2].standing = Standing::kSecondName;
  HeadHistory of_one;
  of_one.Saw(At(1s), removed, kSilent);
  CHECK_FALSE(of_one.PassedBy(50).has_value());
}

}  // namespace
}  // namespace etcdrill::crosscheck
