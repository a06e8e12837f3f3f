// Snapshots of one cluster continue each other, whatever was compacted in between; those of two do
// not.
#include "verify/lineage.h"

#include <algorithm>

#include "proof/finding_codes.h"
#include "support/catch.h"
#include "support/findings.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

using etcdrill::testing::HasFinding;
using etcdrill::testing::OpenFile;
using etcdrill::testing::OpenPlaced;
using etcdrill::testing::PlacedSnapshot;
using etcdrill::testing::SnapshotPath;
using etcdrill::testing::TestContext;

PlacedSnapshot OpenSample(TestContext& test, const std::string& name) {
  return OpenPlaced(test.context(), SnapshotPath(name));
}

LineageReport Compare(TestContext& test, const PlacedSnapshot& older, const PlacedSnapshot& newer) {
  auto report = CompareLineage(test.context(), older.placed(), newer.placed());
  REQUIRE(report.ok());
  for (const Finding& f : report->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  return *std::move(report);
}

TEST_CASE("a file's place is what its small buckets say") {
  TestContext test;
  const Place place = OpenSample(test, "e3516-auth").place;
  CHECK(place.consistent_index == 380);
  CHECK(place.term == 2);
  CHECK(place.auth_revision == 4);
  CHECK(place.members == std::vector<std::string>{"3cfb471a6889ba39"});
  CHECK_FALSE(OpenSample(test, "e34-auth").place.term.has_value());
}

TEST_CASE("the snapshots of one cluster continue each other") {
  TestContext test;
  const std::string version = GENERATE("e34", "e3516", "e3530", "e36", "e37");
  std::vector<PlacedSnapshot> places;
  for (const char* moment : {"-nocompact", "-compacted", "-compacted-at-head", "-alarm", "-auth"}) {
    places.push_back(OpenSample(test, version + moment));
  }
  for (size_t i = 0; i < places.size(); ++i) {
    for (size_t j = i; j < places.size(); ++j) {
      CAPTURE(places[i].place.file, places[j].place.file);
      const LineageReport report = Compare(test, places[i], places[j]);
      const bool comparable =
          places[j].place.head.compact_revision <= places[i].place.head.revision;
      CHECK(report.verdict == (comparable ? Continuity::kContinues : Continuity::kNotComparable));
      CHECK(report.compared.has_value() == comparable);
      CHECK(HasFinding(report.findings, codes::kNotComparable) == !comparable);
      CHECK_FALSE(report.restored_between);
    }
  }
}

TEST_CASE("the snapshots of two clusters do not") {
  TestContext test;
  const LineageReport report =
      Compare(test, OpenSample(test, "e3516-nocompact"), OpenSample(test, "e3530-compacted"));
  CHECK(report.verdict == Continuity::kDiverged);
  CHECK(HasFinding(report.findings, codes::kHistoryDiffers));
  CHECK_FALSE(HasFinding(report.findings, codes::kIndexConflict));
}

TEST_CASE("what went back") {
  TestContext test;
  SECTION("the revision") {
    const LineageReport report =
        Compare(test, OpenSample(test, "e36-alarm"), OpenSample(test, "e36-compacted"));
    CHECK(report.verdict == Continuity::kDiverged);
    CHECK(HasFinding(report.findings, codes::kRevisionWentBack));
    CHECK_FALSE(
        HasFinding(report.findings, codes::kHistoryDiffers));  // one history, seen backwards
  }
  SECTION("the revision, beyond a compaction") {
    const LineageReport report =
        Compare(test, OpenSample(test, "e36-alarm"), OpenSample(test, "e36-nocompact"));
    CHECK(report.verdict == Continuity::kDiverged);
    CHECK(HasFinding(report.findings, codes::kNotComparable));
  }
  SECTION("users and roles") {
    const LineageReport report =
        Compare(test, OpenSample(test, "e36-auth"), OpenSample(test, "e36-alarm"));
    CHECK(report.verdict == Continuity::kDiverged);
    CHECK(HasFinding(report.findings, codes::kAuthRevisionWentBack));
    CHECK_FALSE(HasFinding(report.findings, codes::kHistoryDiffers));
  }
}

TEST_CASE("a restore in between is told, and no divergence") {
  TestContext test;
  const PlacedSnapshot older = OpenSample(test, "e36-compacted-at-head");
  PlacedSnapshot newer = OpenSample(test, "e36-alarm");
  SECTION("index") { newer.place.consistent_index = 9; }
  SECTION("term") { newer.place.term = 1; }
  SECTION("members") { newer.place.members = {"1"}; }
  const LineageReport report = Compare(test, older, newer);
  CHECK(report.verdict == Continuity::kContinues);
  CHECK(report.restored_between);
  CHECK(HasFinding(report.findings, codes::kRestoredBetween));
}

TEST_CASE("one raft entry with two contents is a corruption with a name") {
  TestContext test;
  const PlacedSnapshot older = OpenSample(test, "e3516-compacted-at-head");
  PlacedSnapshot newer = OpenSample(test, "e3516-alarm");
  newer.place.consistent_index = older.place.consistent_index;
  const LineageReport report = Compare(test, older, newer);
  CHECK(HasFinding(report.findings, codes::kIndexConflict));
  CHECK_THAT(report.findings.FirstError()->text,
             Catch::Matchers::ContainsSubstring("restored twice with the same token"));
  SECTION("but not of a release without the fault") { newer.place.has_storage_version = true; }
  SECTION("but not in two clusters") { newer.place.members = {"1"}; }
  SECTION("but not in two terms") { newer.place.term = 3; }
  SECTION("but not if both hold the same") { newer.place = older.place; }
  CHECK_FALSE(HasFinding(Compare(test, older, newer).findings, codes::kIndexConflict));
}

TEST_CASE("a hash over nothing proves nothing") {
  TestContext test;
  const PlacedSnapshot empty = OpenSample(test, "e36-empty");
  CHECK(Compare(test, empty, OpenSample(test, "e36-nocompact")).verdict ==
        Continuity::kNotComparable);
  CHECK(Compare(test, empty, empty).verdict == Continuity::kNotComparable);
}

TEST_CASE("hashes differ, are equal by either rule, or can't tell") {
  using mvcc::HashKv;
  using mvcc::HashMatch;
  const HashKv file{.hash = 1, .live_keys = 5, .by_older_etcd = 2};
  CHECK(mvcc::Match(file, 1) == HashMatch::kEqual);
  CHECK(mvcc::Match(file, 2) == HashMatch::kEqual);
  CHECK(mvcc::Match(file, 3) == HashMatch::kDiffers);
  CHECK(mvcc::Match({.hash = 1, .may_vary = true}, 3) == HashMatch::kMayVary);
  CHECK(mvcc::Match(file, {.hash = 1, .live_keys = 5}) == HashMatch::kEqual);
  CHECK(mvcc::Match(file, {.hash = 3, .live_keys = 5, .by_older_etcd = 2}) == HashMatch::kEqual);
  CHECK(mvcc::Match(file, {.hash = 3, .live_keys = 5}) == HashMatch::kDiffers);
  // Without a key that counts as alive, HashKV depends on how far a compaction got; the number of
  // keys does not.
  CHECK(mvcc::Match(file, {.hash = 3, .live_keys = 5, .may_vary = true}) == HashMatch::kMayVary);
  CHECK(mvcc::Match(file, {.hash = 1, .live_keys = 4}) == HashMatch::kDiffers);
}

TEST_CASE("a damaged file is an error") {
  TestContext test;
  const std::string damaged = test.Path("damaged.db");
  std::string bytes = etcdrill::testing::ReadFile(SnapshotPath("e36-nocompact"));
  std::fill(bytes.begin() + 8192, bytes.end() - 4096, '\0');
  etcdrill::testing::WriteFile(damaged, bytes);
  const snapshot::Image image = OpenFile(test.context(), damaged);
  const PlacedSnapshot newer = OpenSample(test, "e36-compacted");
  const auto report = CompareLineage(
      test.context(), {image, OpenSample(test, "e36-nocompact").place}, newer.placed());
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
  const LiveMember equal{.revision = 200, .result = Comparison::kEqual};
  const LiveMember differs{.revision = 200, .result = Comparison::kDiffers};
  const LiveMember unknown{.revision = 200, .problem = "compacted"};
  const LiveMember behind{.revision = 50, .problem = "behind"};
  const LiveMember leader_behind{.revision = 50, .is_leader = true, .problem = "behind"};
  CHECK(judge({}) == Continuity::kNotComparable);
  CHECK(judge({unknown, behind}) == Continuity::kNotComparable);
  CHECK(judge({unknown, equal, behind}) == Continuity::kContinues);
  CHECK(judge({equal, differs}) == Continuity::kDiverged);
  CHECK(judge({unknown, leader_behind}) == Continuity::kDiverged);
}

}  // namespace
}  // namespace etcdrill::verify
