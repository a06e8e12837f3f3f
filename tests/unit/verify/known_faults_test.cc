// Snapshots that 0.1.0 got wrong, made by real servers at rare moments (tests/data/README.md),
// against what those servers said. What drills and commands make of them is in
// tests/e2e/test_known_faults.py.
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "proof/finding_codes.h"
#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/lineage.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

using etcdrill::testing::OpenFile;
using etcdrill::testing::OpenPlaced;
using etcdrill::testing::PlacedSnapshot;
using etcdrill::testing::TestContext;
using etcdrill::testing::VerifyFile;

struct Fault {
  std::string name;
  std::set<std::string_view> warnings = {};
};

std::string PathOf(const std::string& name, const char* ending) {
  return std::string(ETCDRILL_FAULT_DATA) + "/" + name + ending;
}

nlohmann::json FactsOf(const std::string& name) {
  return nlohmann::json::parse(testing::ReadFile(PathOf(name, ".json")));
}

// Files of an etcd that lost its head: it serves a revision below the one that the file says
// (etcd#17780).
bool WentBack(const Fault& fault) {
  return fault.warnings.contains(codes::kRevisionBehindCompaction);
}

Fault AnyFault() {
  return GENERATE(values<Fault>({
      {"bumped"},
      {"downgrade-enabled"},
      {"gone-back-newer-3.4", {codes::kRevisionBehindCompaction}},
      {"gone-back-older-3.4", {codes::kRevisionBehindCompaction}},
      {"last-rows-compacted-3.4"},
      {"only-v2-keys-3.4", {codes::kNoKeys}},
      {"recreated-compacted-3.5.30", {codes::kRowLostByEtcd}},
      {"rewritten-at-head-3.5.30"},
      {"storage-version-left-3.5.30"},
  }));
}

TEST_CASE("snapshots of rare moments are proven, and what is odd about them is a warning") {
  TestContext test;
  const Fault fault = AnyFault();
  const auto facts = FactsOf(fault.name);
  const auto report = VerifyFile(test.context(), PathOf(fault.name, ".db"));
  REQUIRE(report.ok());
  std::set<std::string_view> warnings;
  for (const Finding& f : report->findings.kept()) {
    UNSCOPED_INFO(f.code << ": " << f.text);
    if (f.severity == Severity::kWarning) warnings.insert(f.code);
  }
  CAPTURE(fault.name);
  CHECK(report->verdict() == Verdict::kProven);
  CHECK(warnings == fault.warnings);
  CHECK(report->sha256 == facts["sha256"]);
  REQUIRE(report->keyspace.has_value());
  const Keyspace& keyspace = *report->keyspace;
  CHECK(keyspace.live_keys == facts["live_keys"]);
  CHECK((WentBack(fault) ? keyspace.newest_row : keyspace.hashkv.revision) == facts["revision"]);
  if (facts.contains("status")) {
    const auto& status = facts["status"];
    CHECK(keyspace.hash == status["hash"]);
    CHECK(keyspace.newest_row == status["revision"]);
    CHECK(keyspace.total_bytes == status["totalSize"]);
    const bool new_tool = facts["etcd"].get<std::string>().starts_with("3.6");
    CHECK((new_tool ? keyspace.live_keys + (keyspace.bumped ? 1 : 0) : keyspace.total_keys) ==
          status["totalKey"]);
  }
}

TEST_CASE("HashKV of a rare moment equals the live server's") {
  TestContext test;
  const Fault fault = AnyFault();
  CAPTURE(fault.name);
  const auto facts = FactsOf(fault.name);
  for (const auto& answer : facts["hashkv"]) {
    CAPTURE(answer.dump());
    const auto own = HashKvOf(test.context(), OpenFile(test.context(), PathOf(fault.name, ".db")),
                              answer["asked"], {});
    REQUIRE(own.ok());
    if (WentBack(fault)) {  // the server forgot its compaction
      CHECK(own->compact_revision > answer["compact_revision"]);
      continue;
    }
    CHECK(own->hash == answer["hash"]);
    CHECK(own->compact_revision == answer["compact_revision"]);
  }
}

PlacedSnapshot OpenFault(TestContext& test, const std::string& name) {
  return OpenPlaced(test.context(), PathOf(name, ".db"));
}

TEST_CASE("a cluster that went back after a crash does not compare, in whatever order") {
  TestContext test;
  const PlacedSnapshot older = OpenFault(test, "gone-back-older-3.4");
  const PlacedSnapshot newer = OpenFault(test, "gone-back-newer-3.4");
  for (const auto& [from, to] : {std::pair(&older, &newer), std::pair(&newer, &older)}) {
    const auto report = CompareLineage(test.context(), from->placed(), to->placed());
    REQUIRE(report.ok());
    CHECK(report->verdict == Continuity::kNotComparable);
    CHECK(report->findings.errors() == 0);
  }
  const auto same = CompareLineage(test.context(), older.placed(), older.placed());
  REQUIRE(same.ok());
  CHECK(same->verdict == Continuity::kContinues);
}

TEST_CASE("a leader behind a file that may go back is no divergence") {
  LineageReport report;
  report.older.head.revision = 21;
  report.older.may_go_back = GENERATE(false, true);
  report.members = {{.revision = 12, .is_leader = true, .problem = "behind"}};
  JudgeMembers(report);
  CHECK(report.verdict ==
        (report.older.may_go_back ? Continuity::kNotComparable : Continuity::kDiverged));
}

TEST_CASE(
    "a hash by the older rule, as manifests of 0.1.0 have it, is read anew before two files "
    "differ") {
  TestContext test;
  const PlacedSnapshot older = OpenFault(test, "rewritten-at-head-3.5.30");
  REQUIRE(older.place.head.by_older_etcd.has_value());
  PlacedSnapshot newer = OpenFault(test, "rewritten-at-head-3.5.30");
  newer.place.head = {.hash = *older.place.head.by_older_etcd,
                      .revision = older.place.head.revision,
                      .compact_revision = older.place.head.compact_revision,
                      .live_keys = older.place.head.live_keys};
  const auto report = CompareLineage(test.context(), older.placed(), newer.placed());
  REQUIRE(report.ok());
  CHECK(report->verdict == Continuity::kContinues);
}

}  // namespace
}  // namespace etcdrill::verify
