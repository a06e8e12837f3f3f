// What a catalogue adds up to.
#include "report/tally.h"

#include "report/view.h"
#include "support/catch.h"
#include "support/drill_summary.h"

namespace etcdrill::report {
namespace {

using etcdrill::testing::Drill;
using namespace std::chrono_literals;

constexpr WallTime kMoment(1000s);

catalog::CatalogEntry Entry(int64_t revision, SnapshotState state) {
  catalog::CatalogEntry entry;
  entry.manifest.revision = revision;
  entry.manifest.taken = WallTime(std::chrono::seconds(revision));
  entry.manifest.verdict = Verdict::kProven;
  entry.manifest.size_bytes = 10;
  entry.state = state;
  return entry;
}

TEST_CASE("snapshots are counted by their state, and the lost are unreadable") {
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1, SnapshotState::kRestorable), Entry(2, SnapshotState::kDamaged),
                       Entry(3, SnapshotState::kDamaged), Entry(4, SnapshotState::kUnreadable)};
  catalog.snapshots[3].problem = "gone";
  catalog.lost = {{.name = "c-5", .why = Error(Reason::kDamaged, "torn")}};
  const SnapshotTally tally = TallySnapshots(catalog, kMoment);
  CHECK(tally[SnapshotState::kRestorable] == 1);
  CHECK(tally[SnapshotState::kDamaged] == 2);
  CHECK(tally[SnapshotState::kUntested] == 0);
  CHECK(tally[SnapshotState::kUnreadable] == 2);
  CHECK(tally.bytes == 40);
  CHECK(tally.oldest_taken == WallTime(1s));
  CHECK(tally.oldest_hashed == WallTime(1s));
  CHECK(WhyUnreadable(catalog) == std::vector<std::string_view>{"torn", "gone"});
}

TEST_CASE("one from the future is counted, and is not the oldest") {
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1301, SnapshotState::kRestorable),
                       Entry(2, SnapshotState::kRestorable)};
  const SnapshotTally tally = TallySnapshots(catalog, kMoment);
  CHECK(tally.from_future == 1);
  CHECK(tally.oldest_taken == WallTime(2s));
  CHECK(TallySnapshots(catalog, kMoment + 1s).from_future == 0);  // what clocks may differ by
}

TEST_CASE("one of another history is told apart") {
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1, SnapshotState::kRestorable), Entry(2, SnapshotState::kRestorable)};
  catalog.snapshots[1].manifest.other_history = true;
  CHECK(TallySnapshots(catalog, kMoment).other_history == 1);
}

TEST_CASE("an empty store knows nothing") {
  const SnapshotTally snapshots = TallySnapshots({}, kMoment);
  CHECK_FALSE(snapshots.oldest_taken.has_value());
  CHECK_FALSE(snapshots.oldest_hashed.has_value());
  const DrillTally drills = TallyDrills({}, kMoment);
  CHECK(drills.consecutive_failures == 0);
  CHECK_FALSE(drills.started.has_value());
  CHECK_FALSE(drills.last_success.has_value());
  CHECK_FALSE(drills.level.has_value());
}

TEST_CASE("consecutive failures count from the last drill that passed") {
  std::vector<DrillSummary> drills = {Drill(1, false), Drill(2, true), Drill(3, false),
                                      Drill(4, false)};
  drills[1].etcd_version = "3.5.16";
  drills[3].level_reached = 3;
  drills[3].stage_seconds = {{StageName::kBoot, 1}};
  DrillTally tally = TallyDrills(drills, kMoment);
  CHECK(tally.consecutive_failures == 2);
  CHECK(tally.last_success == 2);
  CHECK(tally.last_failure == 4);
  CHECK(tally.last_duration_seconds == 2);
  CHECK(tally.level == 3);
  CHECK(tally.stage_seconds.contains(StageName::kBoot));
  CHECK(tally.etcd_version == "3.5.16");
  CHECK(tally.checks.at(CheckName::kHashKv) == false);
  // What is not asked for any more has no result: a drill that passed came to all that is.
  drills[3].checks[CheckName::kAssertions] = false;
  CHECK(TallyDrills(drills, kMoment).checks.at(CheckName::kAssertions) == false);
  drills.push_back(Drill(5, true));
  tally = TallyDrills(drills, kMoment);
  CHECK_FALSE(tally.checks.contains(CheckName::kAssertions));
  CHECK(tally.checks.at(CheckName::kHashKv) == true);
  CHECK(tally.consecutive_failures == 0);
  CHECK(tally.last_failure == 4);
}

TEST_CASE("a drill from the future counts, but its time does not") {
  std::vector<DrillSummary> drills = {Drill(1, true), Drill(2000, false), Drill(3000, true)};
  drills[2].started = WallTime(2999s);
  const DrillTally tally = TallyDrills(drills, kMoment);
  CHECK(tally.consecutive_failures == 0);
  CHECK(tally.last_success == 1);
  CHECK_FALSE(tally.last_failure.has_value());
  CHECK_FALSE(tally.started.has_value());
  CHECK(TallyDrills(drills, WallTime(3000s)).last_failure == 2000);
}

TEST_CASE("the last drill of the newest is known behind any number of drills of older ones") {
  catalog::Catalog catalog;
  CHECK(LastDrillOfNewest(catalog) == nullptr);
  for (int64_t at = 1; at < 500; ++at) {
    catalog.drills.push_back(Drill(at, true));
    catalog.drills.back().newest = at < 3;
  }
  REQUIRE(LastDrillOfNewest(catalog) != nullptr);
  CHECK(LastDrillOfNewest(catalog)->finished == WallTime(2s));
  CHECK(TallyDrills(catalog.drills, kMoment).last_success == 2);
  const auto newest = NewestFirst(catalog.drills, 2);
  REQUIRE(newest.size() == 2);
  CHECK(newest[0]->finished == WallTime(499s));
  CHECK(NewestFirst(catalog.drills, 1000).size() == 499);
}

TEST_CASE("members agree only if two were compared and none differs") {
  const auto catalog = std::make_shared<catalog::Catalog>();
  const View view{.now = kMoment, .catalog = catalog};
  catalog->snapshots = {Entry(1, SnapshotState::kUntested)};
  auto& receipt = catalog->snapshots[0].manifest.receipt;
  CHECK_FALSE(MembersAgree(view).has_value());
  receipt = {{.result = Comparison::kNotComparable}, {.error = "down"}};
  CHECK_FALSE(MembersAgree(view).has_value());
  receipt.push_back({.member_id = "a", .result = Comparison::kEqual});
  receipt.push_back(
      {.endpoint = "a's second name", .member_id = "a", .result = Comparison::kEqual});
  CHECK_FALSE(MembersAgree(view).has_value());
  catalog->snapshots[0].manifest.member_id = "a";  // it was copied: of course it agrees
  CHECK_FALSE(MembersAgree(view).has_value());
  catalog->snapshots[0].manifest.member_id = "b";
  CHECK(MembersAgree(view) == true);
  receipt.push_back({.member_id = "c", .result = Comparison::kDiffers});
  CHECK(MembersAgree(view) == false);
  catalog->snapshots[0].manifest.other_history = true;
  CHECK_FALSE(MembersAgree(view).has_value());
}

TEST_CASE("members agree again once nobody is a suspect") {
  const auto catalog = std::make_shared<catalog::Catalog>();
  const View view{.now = kMoment, .catalog = catalog};
  CHECK_FALSE(MembersAgree(view).has_value());
  catalog->suspects.emplace();
  CHECK_FALSE(MembersAgree(view).has_value());
  catalog->snapshots.push_back(Entry(1, SnapshotState::kRestorable));
  auto& receipt = catalog->snapshots[0].manifest.receipt;
  receipt = {{.endpoint = "a", .member_id = "a", .result = Comparison::kEqual},
             {.endpoint = "b", .member_id = "b", .result = Comparison::kEqual}};
  CHECK(MembersAgree(view) == true);
  catalog->suspects->push_back({.member_id = "c"});
  CHECK(MembersAgree(view) == false);
  catalog->suspects->clear();
  receipt[1].result = Comparison::kDiffers;
  CHECK_FALSE(MembersAgree(view).has_value());  // it was found equal since
  receipt[0].result = Comparison::kDiffers;
  CHECK(MembersAgree(view) == false);  // all count keys that etcd lost: etcd#22376
  receipt[0].result = Comparison::kEqual;
  catalog->suspects.reset();  // a store of etcdrill 0.1.0
  CHECK(MembersAgree(view) == false);
}

}  // namespace
}  // namespace etcdrill::report
