// Snapshots of one cluster continue each other, whatever was compacted in between; those of two do not.
#include "verify/lineage.h"

#include <algorithm>

#include "format/finding_codes.h"
#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

using etcdrill::testing::SnapshotPath;
using etcdrill::testing::TestContext;

Place PlaceOf(TestContext& test, const std::string& name) {
  const auto report = Verify(test.context(), {.path = SnapshotPath(name)});
  REQUIRE(report.ok());
  const auto place =
      ReadPlace(test.context(), SnapshotPath(name), report->keyspace->hashkv, report->keyspace->live_keys);
  REQUIRE(place.ok());
  return *place;
}

LineageReport Compare(TestContext& test, const Place& older, const Place& newer) {
  auto report = CompareLineage(test.context(), older, newer);
  REQUIRE(report.ok());
  for (const Finding& f : report->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  return *std::move(report);
}

bool Has(const LineageReport& report, std::string_view code) {
  const auto& kept = report.findings.kept();
  return std::any_of(kept.begin(), kept.end(), [&](const Finding& f) { return f.code == code; });
}

TEST_CASE("a file's place is what its small buckets say") {
  TestContext test;
  const Place place = PlaceOf(test, "e3516-auth");
  CHECK(place.consistent_index == 380);
  CHECK(place.term == 2);
  CHECK(place.auth_revision == 4);
  CHECK(place.members == std::vector<std::string>{"3cfb471a6889ba39"});
  CHECK_FALSE(PlaceOf(test, "e34-auth").term.has_value());
}

TEST_CASE("the snapshots of one cluster continue each other") {
  TestContext test;
  const std::string version = GENERATE("e34", "e3516", "e3530", "e36", "e37");
  std::vector<Place> places;
  for (const char* moment : {"-nocompact", "-compacted", "-compacted-at-head", "-alarm", "-auth"}) {
    places.push_back(PlaceOf(test, version + moment));
  }
  for (size_t i = 0; i < places.size(); ++i) {
    for (size_t j = i; j < places.size(); ++j) {
      CAPTURE(places[i].file, places[j].file);
      const LineageReport report = Compare(test, places[i], places[j]);
      const bool comparable = places[j].head.compact_revision <= places[i].head.revision;
      CHECK(report.verdict == (comparable ? LineageVerdict::kContinues : LineageVerdict::kNotComparable));
      CHECK(report.compared.has_value() == comparable);
      CHECK(Has(report, codes::kNotComparable) == !comparable);
      CHECK_FALSE(report.restored_between);
    }
  }
}

TEST_CASE("the snapshots of two clusters do not") {
  TestContext test;
  const LineageReport report = Compare(test, PlaceOf(test, "e3516-nocompact"), PlaceOf(test, "e3530-compacted"));
  CHECK(report.verdict == LineageVerdict::kDiverged);
  CHECK(Has(report, codes::kHistoryDiffers));
  CHECK_FALSE(Has(report, codes::kIndexConflict));
}

TEST_CASE("what went back") {
  TestContext test;
  SECTION("the revision") {
    const LineageReport report = Compare(test, PlaceOf(test, "e36-alarm"), PlaceOf(test, "e36-compacted"));
    CHECK(report.verdict == LineageVerdict::kDiverged);
    CHECK(Has(report, codes::kRevisionWentBack));
    CHECK_FALSE(Has(report, codes::kHistoryDiffers));  // one history, seen backwards
  }
  SECTION("the revision, beyond a compaction") {
    const LineageReport report = Compare(test, PlaceOf(test, "e36-alarm"), PlaceOf(test, "e36-nocompact"));
    CHECK(report.verdict == LineageVerdict::kDiverged);
    CHECK(Has(report, codes::kNotComparable));
  }
  SECTION("users and roles") {
    const LineageReport report = Compare(test, PlaceOf(test, "e36-auth"), PlaceOf(test, "e36-alarm"));
    CHECK(report.verdict == LineageVerdict::kDiverged);
    CHECK(Has(report, codes::kAuthRevisionWentBack));
    CHECK_FALSE(Has(report, codes::kHistoryDiffers));
  }
}

TEST_CASE("a restore in between is told, and no divergence") {
  TestContext test;
  const Place older = PlaceOf(test, "e36-compacted-at-head");
  Place newer = PlaceOf(test, "e36-alarm");
  SECTION("index") { newer.consistent_index = 9; }
  SECTION("term") { newer.term = 1; }
  SECTION("members") { newer.members = {"1"}; }
  const LineageReport report = Compare(test, older, newer);
  CHECK(report.verdict == LineageVerdict::kContinues);
  CHECK(report.restored_between);
  CHECK(Has(report, codes::kRestoredBetween));
}

TEST_CASE("one raft entry with two contents is a corruption with a name") {
  TestContext test;
  const Place older = PlaceOf(test, "e3516-compacted-at-head");
  Place newer = PlaceOf(test, "e3516-alarm");
  newer.consistent_index = older.consistent_index;
  CHECK(Has(Compare(test, older, newer), codes::kIndexConflict));
  SECTION("but not in two clusters") { newer.members = {"1"}; }
  SECTION("but not in two terms") { newer.term = 3; }
  SECTION("but not if both hold the same") { newer = older; }
  CHECK_FALSE(Has(Compare(test, older, newer), codes::kIndexConflict));
}

TEST_CASE("a hash over nothing proves nothing") {
  TestContext test;
  const Place empty = PlaceOf(test, "e36-empty");
  CHECK(Compare(test, empty, PlaceOf(test, "e36-nocompact")).verdict == LineageVerdict::kNotComparable);
  CHECK(Compare(test, empty, empty).verdict == LineageVerdict::kNotComparable);
  // Without a live key, HashKV depends on how far a compaction got: then a difference is none.
  Place dead = PlaceOf(test, "e3516-nocompact");
  dead.live_keys = 0;
  const LineageReport report = Compare(test, dead, PlaceOf(test, "e3530-compacted"));
  CHECK(report.verdict == LineageVerdict::kNotComparable);
  CHECK_FALSE(HashKvMayVary(0, -1));
  CHECK_FALSE(HashKvMayVary(1, 5));
}

TEST_CASE("a damaged file is an error") {
  TestContext test;
  Place older = PlaceOf(test, "e36-nocompact");
  older.file = test.Path("damaged.db");
  std::string bytes = etcdrill::testing::ReadFile(SnapshotPath("e36-nocompact"));
  std::fill(bytes.begin() + 8192, bytes.end() - 4096, '\0');
  etcdrill::testing::WriteFile(older.file, bytes);
  const auto report = CompareLineage(test.context(), older, PlaceOf(test, "e36-compacted"));
  REQUIRE_FALSE(report.ok());
  CHECK(ReasonOf(report.status()) == Reason::kDamaged);
}

TEST_CASE("a live cluster is judged by its members") {
  const auto judge = [](std::vector<LiveMember> members) {
    LineageReport report;
    report.older.head.revision = 100;
    report.members = std::move(members);
    JudgeMembers(report);
    return report.verdict;
  };
  const LiveMember equal{.revision = 200, .result = MemberResult::kEqual};
  const LiveMember differs{.revision = 200, .result = MemberResult::kDiffers};
  const LiveMember unknown{.revision = 200, .problem = "compacted"};
  const LiveMember behind{.revision = 50, .problem = "behind"};
  const LiveMember leader_behind{.revision = 50, .is_leader = true, .problem = "behind"};
  CHECK(judge({}) == LineageVerdict::kNotComparable);
  CHECK(judge({unknown, behind}) == LineageVerdict::kNotComparable);
  CHECK(judge({unknown, equal, behind}) == LineageVerdict::kContinues);
  CHECK(judge({equal, differs}) == LineageVerdict::kDiverged);
  CHECK(judge({unknown, leader_behind}) == LineageVerdict::kDiverged);
}

}  // namespace
}  // namespace etcdrill::verify
