// What follows from the files of a store.
#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "catalog/follower.h"
#include "catalog/plans.h"
#include "crosscheck/history_check.h"
#include "crosscheck/manifest_check.h"
#include "crosscheck/receipt_check.h"
#include "drill/result.h"
#include "pipeline/drill_evidence.h"
#include "pipeline/drill_report.h"
#include "pipeline/drill_stages.h"
#include "pipeline/run_drill.h"
#include "proof/finding_codes.h"
#include "report/tally.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/drill_summary.h"
#include "support/fake_clock.h"
#include "support/findings.h"
#include "support/levels.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::Drill;
using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

catalog::CatalogEntry Entry(int64_t revision, Verdict verdict, std::optional<bool> drilled) {
  catalog::CatalogEntry entry;
  entry.manifest.name = "c-" + std::to_string(revision);
  entry.manifest.revision = revision;
  entry.manifest.taken = WallTime(std::chrono::seconds(revision));
  entry.manifest.verdict = verdict;
  entry.manifest.size_bytes = 10;
  entry.state = !drilled.has_value() ? SnapshotState::kUntested
                : *drilled           ? SnapshotState::kRestorable
                                     : SnapshotState::kDamaged;
  return entry;
}

double FailuresIn(const catalog::Catalog& catalog) {
  return report::TallyDrills(catalog.drills, WallTime::max()).consecutive_failures;
}

size_t CountIn(const catalog::Catalog& catalog, SnapshotState state) {
  return report::TallySnapshots(catalog, WallTime::max())[state];
}

TEST_CASE("a damaged snapshot is never the newest, and a failed drill does not verify") {
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, false),
                       Entry(3, Verdict::kDamaged, std::nullopt)};
  catalog.snapshots.back().state = SnapshotState::kDamaged;
  REQUIRE(catalog.Newest(WallTime::max()) != nullptr);
  CHECK(catalog.Newest(WallTime::max())->manifest.revision == 1);
  CHECK(catalog.NewestRestorable(WallTime::max())->manifest.revision == 1);
}

TEST_CASE(
    "a snapshot from the future is not the newest, not the newest restorable, and has no time") {
  TestContext test;
  catalog::Catalog catalog;
  const WallTime now(1000s);
  testing::FakeClock clock(now);
  const Context context{test.fs(), clock, test.context().random, test.context().processes,
                        test.context().log};
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, true),
                       Entry(3, Verdict::kProven, true)};
  catalog.snapshots[2].manifest.taken = now + 301s;
  CHECK(catalog.Newest(now)->manifest.revision == 2);
  CHECK(catalog.Newest(now)->AsOf(now) == WallTime(2s));
  CHECK(catalog.NewestRestorable(now)->manifest.revision == 2);
  CHECK(catalog::SelectSnapshot(context, catalog, "latest")->revision == 2);
  CHECK(catalog::SelectSnapshot(context, catalog, "latest-restorable")->revision == 2);
  CHECK(catalog::PlanDrills(catalog, {.older_parts = 0}, now).at(0).revision == 2);
  // A moment of ours in which it was all that the source held is a time, too.
  catalog.snapshots[2].checks.confirmed = WallTime(999s);
  CHECK(catalog.Newest(now)->manifest.revision == 3);
  CHECK(catalog.Newest(now)->AsOf(now) == WallTime(999s));
  catalog.snapshots[2].checks.confirmed.reset();
  // Where all are from the future the newest is still what would be restored, but nobody knows its
  // age.
  for (catalog::CatalogEntry& entry : catalog.snapshots) entry.manifest.taken = now + 9000s;
  CHECK(catalog.Newest(now)->manifest.revision == 3);
  CHECK_FALSE(catalog.Newest(now)->AsOf(now).has_value());
  CHECK_FALSE(catalog.NewestRestorable(now)->AsOf(now).has_value());
  CHECK(catalog::SelectSnapshot(context, catalog, "latest")->revision == 3);
  // What clocks may differ by is nothing.
  catalog.snapshots[2].manifest.taken = now + 300s;
  CHECK(catalog.Newest(now)->AsOf(now) == WallTime(1300s));
}

TEST_CASE("one of another history is kept and counts for nothing") {
  TestContext test;
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, true)};
  catalog::CatalogEntry& other = catalog.snapshots[1];
  other.manifest.other_history = true;
  other.manifest.receipt = {{.member_id = "a", .result = Comparison::kDiffers}};
  CHECK(catalog.Newest(WallTime::max())->manifest.revision == 1);
  CHECK(catalog.NewestRestorable(WallTime::max())->manifest.revision == 1);
  CHECK(DisagreementOf(other.manifest).text.empty());
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest")->revision == 1);
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest-restorable")->revision == 1);
  CHECK(catalog::PlanDrills(catalog, {.older_parts = 1}, WallTime::max()).size() == 1);
  CHECK(catalog::PlanDrills(catalog, {.older_parts = 1}, WallTime::max()).at(0).revision == 1);
  catalog.snapshots.erase(catalog.snapshots.begin());
  CHECK(catalog.Newest(WallTime::max()) == nullptr);
  CHECK(ReasonOf(catalog::SelectSnapshot(test.context(), catalog, "latest").status()) ==
        Reason::kNotFound);
}

TEST_CASE("a drill from the future counts, but its time does not") {
  catalog::Catalog catalog;
  const WallTime now(1000s);
  catalog.drills = {Drill(1, true), Drill(2000, false), Drill(3000, true)};
  CHECK(catalog.LastDrill(now) == WallTime(1s));
  // The turn of its snapshot comes as if it had not been.
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, true),
                       Entry(3, Verdict::kProven, true)};
  catalog.snapshots[0].last_drill = Drill(1, true);
  catalog.snapshots[1].last_drill = Drill(3000, true);
  CHECK(catalog::PlanDrills(catalog, {.older_parts = 2}, now).at(1).revision == 2);
}

TEST_CASE("what is out of reach is neither damaged nor usable") {
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, true)};
  catalog.snapshots[1].state = SnapshotState::kUnreadable;
  CHECK(catalog.Newest(WallTime::max())->manifest.revision == 1);
  CHECK(catalog::PlanDrills(catalog, {.older_parts = 1}, WallTime::max()).size() == 1);
  CHECK_FALSE(catalog.snapshots[1].IsProven());
}

TEST_CASE("a snapshot is of the many or of the few") {
  Manifest manifest;
  const auto receipt = [&](std::string endpoint, Comparison result) {
    manifest.receipt.push_back({.endpoint = endpoint, .member_id = endpoint, .result = result});
  };
  receipt("a", Comparison::kEqual);
  receipt("down", Comparison::kNotComparable);
  CHECK(DisagreementOf(manifest).text.empty());
  CHECK(DisagreementOf(manifest).of_majority);
  receipt("b", Comparison::kDiffers);
  CHECK_FALSE(DisagreementOf(manifest).of_majority);
  SECTION("of the many") {
    receipt("c", Comparison::kEqual);
    CHECK(DisagreementOf(manifest).of_majority);
  }
  SECTION("of the few") {
    receipt("c", Comparison::kDiffers);
    CHECK_FALSE(DisagreementOf(manifest).of_majority);
  }
  SECTION("the few have two names") {
    manifest.receipt.push_back(
        {.endpoint = "a's second name", .member_id = "a", .result = Comparison::kEqual});
    receipt("c", Comparison::kDiffers);
    CHECK_FALSE(DisagreementOf(manifest).of_majority);
    CHECK(CountReceipt(manifest).equal == 1);
    CHECK(CountReceipt(manifest).members == 4);
  }
  CHECK_THAT(DisagreementOf(manifest).text,
             Catch::Matchers::ContainsSubstring("the live data of b"));
  CHECK_THAT(DisagreementOf(manifest).text,
             !Catch::Matchers::ContainsSubstring("keys, the snapshot"));
}

TEST_CASE("a file is held to what its manifest says of it, and without one to its trailer") {
  TestContext test;
  const auto image = testing::OpenFile(test.context(), testing::SnapshotPath("e3530-compacted"));
  const auto alone =
      crosscheck::VerifyWithManifest(test.context(), image, std::nullopt, Level::kKeyspace);
  REQUIRE(alone.ok());
  CHECK(alone->verdict() == Verdict::kProven);
  Manifest manifest;
  manifest.size_bytes = image.size();
  manifest.sha256 = alone->sha256;
  manifest.revision = alone->keyspace->hashkv.revision;
  manifest.hashkv = alone->keyspace->hashkv.hash;
  manifest.live_keys = alone->keyspace->live_keys;
  CHECK(crosscheck::VerifyWithManifest(test.context(), image, manifest, Level::kKeyspace)
            ->verdict() == Verdict::kProven);
  const auto differs = [&] {
    const auto report =
        crosscheck::VerifyWithManifest(test.context(), image, manifest, Level::kKeyspace);
    return report->verdict() == Verdict::kDamaged &&
           testing::HasFinding(report->findings, codes::kManifestMismatch);
  };
  SECTION("the bytes") { manifest.sha256[0] ^= 1; }
  SECTION("the revision") { ++manifest.revision; }
  SECTION("the hash") { ++manifest.hashkv; }
  SECTION("the number of keys") { ++manifest.live_keys; }
  CHECK(differs());
}

TEST_CASE("the word of a member that was outvoted has no weight") {
  Manifest manifest;
  const auto receipt = [&](std::string who, Comparison result, bool outvoted) {
    manifest.receipt.push_back(
        {.endpoint = who, .member_id = who, .result = result, .outvoted = outvoted});
  };
  SECTION("a copy of one that was not stands against it, and tells of it") {
    manifest.member_id = "a";
    receipt("b", Comparison::kDiffers, true);
    CHECK(DisagreementOf(manifest).of_majority);
    CHECK_THAT(DisagreementOf(manifest).text,
               Catch::Matchers::ContainsSubstring("the live data of b"));
    CHECK(MembersAgreed(manifest) == false);
  }
  SECTION("what holds what it holds, and nobody else, is its copy") {
    receipt("b", Comparison::kEqual, true);
    CHECK_FALSE(DisagreementOf(manifest).of_majority);
    CHECK(CountReceipt(manifest).equal == 0);
    manifest.member_id = "a";
    CHECK_FALSE(DisagreementOf(manifest)
                    .of_majority);  // behind one address they may be taken for each other
    receipt("a", Comparison::kNotComparable, false);
    CHECK(DisagreementOf(manifest).of_majority);  // ours is of another member
    manifest.receipt.pop_back();
    receipt("a", Comparison::kEqual, false);
    CHECK(DisagreementOf(manifest).text.empty());
  }
}

TEST_CASE("a number of keys that differs is told") {
  Manifest manifest;
  manifest.live_keys = 1;
  manifest.receipt = {
      {.endpoint = "http://a", .member_id = "a", .result = Comparison::kDiffers, .live_keys = 9}};
  CHECK_THAT(DisagreementOf(manifest).text,
             Catch::Matchers::ContainsSubstring("http://a (9 keys, the snapshot has 1)"));
}

TEST_CASE("the cluster that a store knows") {
  std::vector<catalog::CatalogEntry> entries = {Entry(1, Verdict::kProven, true),
                                                Entry(2, Verdict::kProven, true),
                                                Entry(3, Verdict::kDamaged, true)};
  for (catalog::CatalogEntry& entry : entries) entry.manifest.cluster = "c";
  CHECK_FALSE(catalog::KnownCluster(entries, "c").has_value());
  entries[0].manifest.cluster_id = "a";
  entries[2].manifest.cluster_id = "b";  // damaged: it may be of anybody
  CHECK(catalog::KnownCluster(entries, "c") == 0xa);
  CHECK_FALSE(catalog::KnownCluster(entries, "d").has_value());
  entries[1].manifest.cluster_id = "c";
  CHECK(catalog::KnownCluster(entries, "c") == 0xc);
}

TEST_CASE("words name snapshots") {
  TestContext test;
  catalog::Catalog catalog;
  CHECK(ReasonOf(catalog::SelectSnapshot(test.context(), catalog, "latest").status()) ==
        Reason::kNotFound);
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, std::nullopt)};
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest")->revision == 2);
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest-restorable")->revision == 1);
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "c-1")->revision == 1);
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "random").ok());
  CHECK(ReasonOf(catalog::SelectSnapshot(test.context(), catalog, "c-9").status()) ==
        Reason::kNotFound);
  // It stays the latest when it is damaged, or can't be read.
  for (const SnapshotState state : {SnapshotState::kDamaged, SnapshotState::kUnreadable}) {
    catalog.snapshots[1].state = state;
    CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest")->revision == 2);
  }
  // Of one that is lost the time in its name counts: the source may have been restored to a lower
  // revision in between.
  catalog.snapshots[1].manifest.taken = *ParseRfc3339("2026-11-22T08:00:00Z");
  catalog.lost = {
      {.name = "c-00000000000000000003-20261121T080000Z", .why = Error(Reason::kDamaged, "torn")}};
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest")->revision == 2);
  catalog.lost[0].name = "c-00000000000000000001-20261123T080000Z";
  CHECK(ReasonOf(catalog::SelectSnapshot(test.context(), catalog, "latest").status()) ==
        Reason::kDamaged);
  CHECK(catalog::SelectSnapshot(test.context(), catalog, "latest-restorable")->revision == 1);
}

TEST_CASE("the word that 0.1.0 had for latest-restorable is understood, with a warning") {
  TestContext test;
  catalog::Catalog catalog;
  catalog.snapshots = {Entry(1, Verdict::kProven, true), Entry(2, Verdict::kProven, std::nullopt)};
  const int fd = open(test.Path("log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  Logger log(LogLevel::kWarn, LogFormat::kLogfmt, test.clock(), fd);
  const Context context = test.context().With(log);
  CHECK(catalog::SelectSnapshot(context, catalog, "latest-restorable")->revision == 1);
  CHECK(log.Count(LogLevel::kWarn) == 0);
  CHECK(catalog::IsChoice("latest-verified"));
  CHECK(catalog::SelectSnapshot(context, catalog, "latest-verified")->revision == 1);
  close(fd);
  CHECK_THAT(etcdrill::testing::ReadFile(test.Path("log")),
             Catch::Matchers::ContainsSubstring("latest-verified deprecated"));
}

TEST_CASE("a drill report survives being written and read") {
  DrillReport report;
  report.snapshot = "c-1";
  report.levels = testing::LevelsTo(Level::kBoot);
  report.started = WallTime(100s);
  report.finished = WallTime(103s);
  report.stages = {{StageName::kSelect, StageResult::kPass, 0.5, ""},
                   {StageName::kBoot, StageResult::kSkipped, 0, ""}};
  report.checks = {{CheckName::kHashKv, CheckResult::kPass, "a", "a"},
                   {CheckName::kHealth, CheckResult::kNotComparable, "", ""}};
  report.rto_seconds = 2.5;
  const DrillSummary summary = *ParseDrillSummary(Dump(ToJson(report)));
  CHECK(summary.passed);
  CHECK(summary.finished == report.finished);
  const std::map<StageName, double> seconds = {{StageName::kSelect, 0.5}};
  const std::map<CheckName, bool> checks = {{CheckName::kHashKv, true}};
  CHECK(summary.stage_seconds == seconds);
  CHECK(summary.checks == checks);
  for (const char* text : {"", "[]", "{}", "{\"kind\":\"DrillReport\"}", "\xff"})
    CHECK_FALSE(ParseDrillSummary(text).ok());
}

TEST_CASE("a drill took what its stages took, whatever the wall clock did meanwhile") {
  DrillReport report;
  report.started = WallTime(900s);
  report.finished = WallTime(100s);
  report.stages = {{StageName::kSelect, StageResult::kPass, 0.5, ""},
                   {StageName::kChecksum, StageResult::kFail, 2, "x"}};
  CHECK(report.Took() == 2500ms);
}

TEST_CASE("what does not compare is no pass, and what is wrong is damage") {
  TestContext test;
  DrillStages stages(test.context(), "s", 1h);
  const auto result = GENERATE(CheckResult::kPass, CheckResult::kNotComparable, CheckResult::kFail);
  stages.Run(StageName::kVerify, [&] {
    stages.report().levels = testing::LevelsTo(Level::kRestore);
    return stages.Add({{CheckName::kHashKv, result, "a", "b", OkStatus()}});
  });
  stages.Run(StageName::kHealth, [] { return OkStatus(); });
  stages.MeasureRto();
  stages.RunAlways(StageName::kCleanup, [] { return OkStatus(); });
  const DrillReport report = stages.Finish();
  CHECK(report.passed() == (result == CheckResult::kPass));
  CHECK(report.level_reached() == (result == CheckResult::kPass ? 5 : 4));
  CHECK(report.verdict() == (result == CheckResult::kPass            ? Verdict::kProven
                             : result == CheckResult::kNotComparable ? Verdict::kNotProvable
                                                                     : Verdict::kDamaged));
  REQUIRE(report.stages.size() == 3);
  CHECK(report.stages[1].result == (report.passed() ? StageResult::kPass : StageResult::kSkipped));
  CHECK(report.stages[2].result == StageResult::kPass);
}

TEST_CASE("a drill whose time is up stops before its next stage, but cleans up") {
  TestContext test;
  DrillStages stages(test.context(), "s", 0s);
  bool ran = false;
  stages.Run(StageName::kBoot, [&] {
    ran = true;
    return OkStatus();
  });
  bool cleaned = false;
  stages.RunAlways(StageName::kCleanup, [&] {
    cleaned = true;
    return OkStatus();
  });
  const DrillReport report = stages.Finish();
  CHECK_FALSE(ran);
  CHECK(cleaned);
  CHECK(ReasonOf(report.outcome) == Reason::kTimeout);
}

TEST_CASE("a file is held to what was known of it when it was taken") {
  verify::VerifyReport report;
  report.levels = testing::LevelsTo(Level::kKeyspace);
  report.keyspace = verify::Keyspace{};
  report.keyspace->live_keys = 7;
  report.keyspace->hashkv = {.hash = 5, .revision = 9, .compact_revision = -1};
  Manifest manifest;
  manifest.verdict = Verdict::kProven;
  manifest.live_keys = 7;
  manifest.hashkv = 5;
  manifest.revision = 9;
  bool right = false;
  SECTION("nothing wrong") { right = true; }
  SECTION("a member that could not be compared") {
    manifest.receipt = {
        {.result = Comparison::kNotComparable}, {.error = "down"}, {.result = Comparison::kEqual}};
    right = true;
  }
  SECTION("it did not continue its store") {
    manifest.lineage = {"older", Continuity::kDiverged, "went back", 0};
    right = true;
  }
  SECTION("a member held other data") {
    manifest.receipt = {{.endpoint = "b", .result = Comparison::kDiffers}};
  }
  SECTION("damaged when taken") { manifest.verdict = Verdict::kDamaged; }
  SECTION("another HashKV") { manifest.hashkv = 6; }
  SECTION("another revision") { manifest.revision = 10; }
  SECTION("another number of keys") { manifest.live_keys = 8; }
  SECTION("0.1.0 counted the mark of a bump") {
    manifest.live_keys = 8;
    report.keyspace->bumped = right = true;
  }
  SECTION("0.1.0 hashed by the older rule") {
    manifest.hashkv = 6;
    report.keyspace->hashkv.by_older_etcd = 6;
    right = true;
  }
  crosscheck::CompareWithManifest(manifest, report);
  CHECK(report.verdict() == (right ? Verdict::kProven : Verdict::kDamaged));
  CHECK(report.findings.errors() == (right ? 0 : 1));
  CHECK(report.findings.total() == (right && !manifest.lineage.has_value() ? 0 : 1));
}

TEST_CASE("a file is held to what its name says") {
  TestContext test;
  verify::VerifyReport report;
  report.levels = testing::LevelsTo(Level::kKeyspace);
  report.keyspace = verify::Keyspace{};
  report.keyspace->hashkv.revision = 9;
  const WallTime now = test.clock().Now();
  const auto check = [&](int64_t revision, WallTime claimed) {
    const std::string path = test.Path(store::SnapshotName("c", revision, claimed) + ".db");
    testing::WriteFile(path, "x");
    crosscheck::CheckClaims(testing::OpenFile(test.context(), path), std::nullopt, report);
  };
  SECTION("and is") {
    check(9, now);
    CHECK(report.findings.total() == 0);
  }
  SECTION("and is another revision") {
    check(8, now);
    CHECK(report.verdict() == Verdict::kDamaged);
    CHECK(report.levels[Level::kPresent] == LevelResult::kFail);
    CHECK(report.findings.kept()[0].code == codes::kClaimWrong);
  }
  SECTION("and is older than that") {
    check(9, now + 1h);
    CHECK(report.verdict() == Verdict::kProven);
    CHECK(report.findings.kept()[0].code == codes::kClaimWrong);
  }
  SECTION("and its manifest says when") {
    Manifest manifest;
    manifest.taken = now;
    const std::string path = test.Path(store::SnapshotName("c", 9, now) + ".db");
    testing::WriteFile(path, "x");
    const auto image = testing::OpenFile(test.context(), path);
    crosscheck::CheckClaims(image, manifest, report);
    CHECK(report.findings.total() == 0);
    manifest.taken -= 1h;
    crosscheck::CheckClaims(image, manifest, report);
    REQUIRE(report.findings.total() == 1);
    CHECK_THAT(report.findings.kept()[0].text,
               Catch::Matchers::ContainsSubstring("the manifest has"));
  }
}

TEST_CASE("an old snapshot is told from a young one, also under a new name") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  testing::WriteFile(path, "x");
  verify::VerifyReport report;
  report.sha256 = "aa";
  const auto check = [&](const std::string& file, const std::optional<Manifest>& manifest,
                         const crosscheck::Freshness& freshness) {
    const WallTime taken =
        crosscheck::TakenAt(testing::OpenFile(test.context(), file), manifest, report);
    return crosscheck::CheckFreshness(taken, test.clock().Now(), freshness, report);
  };
  Manifest manifest;
  manifest.taken = test.clock().Now() - 2h;
  Manifest older = manifest;
  older.name = "older";
  older.sha256 = "bb";
  older.taken -= 1h;
  CHECK(check(path, manifest, {{manifest, older}, 3h}));
  CHECK(report.findings.total() == 0);
  SECTION("too old") {
    CHECK_FALSE(check(path, manifest, {{}, 1h}));
    CHECK(report.findings.kept()[0].code == codes::kTooOld);
    CHECK(check(path, std::nullopt, {{}, 1h}));  // written just now
  }
  SECTION("of the future") {
    manifest.taken = test.clock().Now() + 6min;
    CHECK(check(path, manifest, {{}, std::nullopt}));
    CHECK(report.findings.kept()[0].code == codes::kFromFuture);
    CHECK_FALSE(check(path, manifest, {{}, 10s}));
    manifest.taken = test.clock().Now() + 4min;  // clocks differ
    CHECK(check(path, manifest, {{}, 10s}));
  }
  SECTION("by its name") {
    const auto fresh = [&](WallTime claimed, const std::string& zone) {
      const std::string name = FormatCompactUtc(claimed);
      const std::string named = test.Path("etcd-" + name.substr(0, name.size() - 1) + zone + ".db");
      testing::WriteFile(named, "x");  // just now
      return check(named, std::nullopt, {{}, 1h});
    };
    const WallTime now = test.clock().Now();
    CHECK_FALSE(fresh(now - 6h, "Z"));
    CHECK_FALSE(fresh(now - 6h + 8h, "+0800"));
    CHECK(fresh(now - 8h, "-0800"));
    CHECK(fresh(now - 6h, ""));  // in whose time?
    CHECK(fresh(now + 8h, ""));
  }
  SECTION("the bytes of another") {
    older.sha256 = "aa";
    CHECK(check(path, manifest, {{manifest, older}, 3h}));
    REQUIRE(report.findings.total() == 1);
    CHECK(report.findings.kept()[0].code == codes::kSameContent);
  }
}

TEST_CASE("each run drills the newest and, in turn, a part of the others") {
  catalog::Catalog catalog;
  for (int i = 0; i < 8; ++i) {
    catalog::CatalogEntry& entry = catalog.snapshots.emplace_back();
    entry.manifest.name = std::to_string(i);
  }
  catalog.snapshots[3].state = SnapshotState::kDamaged;
  const auto run = [&](uint64_t parts, int64_t now) {
    std::string names;
    for (const Manifest& m :
         catalog::PlanDrills(catalog, {.older_parts = parts}, WallTime::max())) {
      names += m.name;
      DrillSummary& last =
          catalog.snapshots[static_cast<size_t>(std::stoi(m.name))].last_drill.emplace();
      last.finished = WallTime(std::chrono::seconds(now));
    }
    return names;
  };
  CHECK(run(0, 1) == "7");
  CHECK(run(3, 2) == "701");  // two of six
  CHECK(run(3, 3) == "724");
  CHECK(run(3, 4) == "756");
  CHECK(run(3, 5) == "701");
  CHECK(run(100, 6) == "72");
  CHECK(run(1, 7) == "7456012");
  catalog.snapshots.clear();
  CHECK(catalog::PlanDrills(catalog, {}, WallTime::max()).empty());
}

TEST_CASE("a snapshot is seen beside the last restorable one of its cluster") {
  catalog::Catalog catalog;
  const auto add = [&](const std::string& name, const std::string& cluster, int taken,
                       SnapshotState state) {
    catalog::CatalogEntry& entry = catalog.snapshots.emplace_back();
    entry.state = state;
    entry.manifest.name = name;
    entry.manifest.cluster = cluster;
    entry.manifest.taken = WallTime(std::chrono::seconds(taken));
    entry.manifest.revision = 100;
    entry.manifest.live_keys = 10;
    entry.manifest.cluster_id = "c1";
  };
  add("restorable", "a", 1, SnapshotState::kRestorable);
  add("other cluster", "b", 2, SnapshotState::kRestorable);
  add("untested", "a", 3, SnapshotState::kUntested);
  Manifest now = catalog.snapshots[0].manifest;
  now.taken = WallTime(4s);
  const Manifest* before = crosscheck::LastRestorableBefore(catalog, now, WallTime::max());
  REQUIRE(before != nullptr);
  CHECK(before->name == "restorable");
  CHECK(crosscheck::LastRestorableBefore(catalog, *before, WallTime::max()) == nullptr);

  const auto code = [&] {
    Findings findings;
    crosscheck::CompareManifests(*before, now, {}, findings);
    CHECK(findings.errors() == 0);
    return findings.kept().empty() ? std::string_view() : findings.kept()[0].code;
  };
  CHECK(code().empty());
  now.live_keys = 5;
  CHECK(code().empty());
  now.live_keys = 4;
  CHECK(code() == codes::kHistoryKeys);
  now.live_keys = 10;
  now.revision = 99;
  CHECK(code() == codes::kHistoryRevision);
  now.revision = 100;
  now.cluster_id = "c2";
  CHECK(code() == codes::kHistoryCluster);
}

TEST_CASE("a prefix that lost most of its bytes is told, if it had some") {
  const auto inventory = [](uint64_t pods, uint64_t leases) {
    verify::Inventory made;
    made.prefixes = {{.name = "/registry/pods", .live_value_bytes = pods},
                     {.name = "/leases", .live_value_bytes = leases}};
    return made;
  };
  const uint64_t mib = uint64_t{1} << 20;
  const verify::Inventory before = inventory(100 * mib, 1000);
  const auto findings_of = [&](const verify::Inventory& now) {
    Findings findings;
    crosscheck::ComparePrefixes(before, now, {.prefix_loss_max = 0.9}, findings);
    return findings;
  };
  CHECK(findings_of(before).total() == 0);
  CHECK(findings_of(inventory(10 * mib, 0)).total() == 0);
  CHECK(findings_of(verify::Inventory{}).total() == 1);
  const Findings lost = findings_of(inventory(9 * mib, 1000));
  REQUIRE(lost.total() == 1);
  CHECK(lost.kept()[0].code == codes::kHistoryPrefix);
  CHECK_THAT(lost.kept()[0].text, Catch::Matchers::ContainsSubstring("/registry/pods has 9.0 MiB"));
}

TEST_CASE("a safe bump is more than was missed, and round") {
  CHECK(SafeBump(100, 100) == 1'000'000);
  CHECK(SafeBump(100, 50) == 1'000'000);
  CHECK(SafeBump(0, 499'999) == 1'000'000);
  CHECK(SafeBump(0, 500'000) == 2'000'000);
  CHECK(SafeBump(1'000'000, 11'000'000) == 21'000'000);
}

TEST_CASE("the forecast grows with the source, and never falls below what was measured") {
  DrillReport report;
  report.rto_seconds = 10;
  report.verify = verify::VerifyReport{};
  report.verify->size_bytes = 1000;
  report.verify->keyspace = verify::Keyspace{};
  report.verify->keyspace->hashkv.revision = 70;
  const RestoreAdvice grown = Advise(report, {.revision = 100, .db_bytes = 2500});
  CHECK(grown.missed_revisions == 30);
  CHECK(grown.rto_seconds == 25);
  CHECK(Advise(report, {.revision = 100, .db_bytes = 100}).rto_seconds == 10);
  report.outcome = Error(Reason::kTimeout, "");
  CHECK_FALSE(Advise(report, {.revision = 100, .db_bytes = 100}).rto_seconds.has_value());
}

TEST_CASE("a drill report that was changed or taken away breaks the row") {
  std::vector<store::DrillFile> drills;
  const auto newest = [&] { return drills.empty() ? std::nullopt : std::optional(drills.back()); };
  for (int i = 0; i < 4; ++i) {
    DrillReport report;
    report.snapshot = std::to_string(i);
    drills.push_back({"report-" + std::to_string(i), EvidenceJson(report, newest())});
  }
  const auto problem = [&] {
    const std::vector<std::string> problems = CheckEvidence(drills);
    return problems.empty() ? std::string() : problems[0];
  };
  CHECK(problem().empty());
  SECTION("whatever order two of one second are read in") {
    std::swap(drills[0], drills[1]);
    CHECK(problem().empty());
  }
  SECTION("a changed one") {
    drills[1].json.replace(drills[1].json.find("\"level_reached\": 0"), 18, "\"level_reached\": 5");
    CHECK(problem() == "report-1: the report was changed after report-2 was written");
  }
  SECTION("one that is gone") {
    drills.erase(drills.begin() + 2);
    CHECK(problem() == "report-3: the previous report, report-2, is missing");
  }
  SECTION("one that came in from elsewhere") {
    drills.insert(drills.begin() + 2, {"report-x", EvidenceJson(DrillReport{}, drills[1])});
    CHECK(problem() == "report-2: two reports name report-1 as the previous one");
  }
  SECTION("one that says nothing of the one before it") {
    drills.push_back({"report-4", Dump(ToJson(DrillReport{}))});
    CHECK(problem() == "report-4: the report does not name the previous one");
  }
  SECTION("one that begins anew") {
    drills.push_back({"report-4", EvidenceJson(DrillReport{}, {})});
    CHECK(problem() == "report-4: the report claims to be the first, as does report-0");
  }
  SECTION("reports of before there was a row may begin it") {
    std::vector<store::DrillFile> row = {{"old-0", Dump(ToJson(DrillReport{}))},
                                         {"old-1", Dump(ToJson(DrillReport{}))}};
    row.push_back({"report-0", EvidenceJson(DrillReport{}, row.back())});
    CHECK(CheckEvidence(row).empty());
  }
}

struct Stored {
  Stored() {
    manifest.cluster = "c";
    manifest.taken = WallTime(100s);
    manifest.name = store::SnapshotName("c", 1, manifest.taken);
    manifest.size_bytes = 1;
    manifest.verdict = Verdict::kProven;
    manifest.sha256 = std::string(64, 'a');
    auto file = DurableFile::Create(test.fs(), dir->StagingPath());
    REQUIRE(file->Append("x").ok());
    REQUIRE(dir->Seal(*file, manifest).ok());
  }
  DrillReport Report(Verdict verdict, Level level) {
    DrillReport report;
    report.snapshot = manifest.name;
    report.levels = testing::LevelsTo(level, verdict);
    report.finished = WallTime(std::chrono::seconds(++second));
    return report;
  }
  SnapshotState StateAfter(const DrillReport& report) {
    const auto make = [&](const auto& before) { return EvidenceJson(report, before); };
    REQUIRE(dir->AddDrillReport(report.snapshot, report.finished, make).ok());
    return State();
  }
  SnapshotState State() {
    return catalog::ReadCatalog(test.context(), *dir)->snapshots.at(0).state;
  }
  void Update(const std::function<void(Checks&)>& change) {
    REQUIRE(dir->UpdateChecks(manifest.name, change).ok());
  }

  TestContext test;
  std::unique_ptr<store::LocalStore> dir =
      *store::LocalStore::Open(test.context(), test.Path("store"));
  Manifest manifest;
  int64_t second = 200;
};

TEST_CASE("a drill that could not be carried through neither proves nor disproves") {
  Stored s;
  CHECK(s.StateAfter(s.Report(Verdict::kNotProvable, Level::kPresent)) == SnapshotState::kUntested);
  CHECK(s.StateAfter(s.Report(Verdict::kProven, Level::kBoot)) == SnapshotState::kRestorable);
  CHECK(s.StateAfter(s.Report(Verdict::kNotProvable, Level::kKeyspace)) ==
        SnapshotState::kRestorable);
  CHECK(s.StateAfter(s.Report(Verdict::kDamaged, Level::kRestore)) == SnapshotState::kDamaged);
  CHECK(catalog::ReadCatalog(s.test.context(), *s.dir)->snapshots.at(0).damaged_since ==
        WallTime(204s));
}

TEST_CASE("a file that is away is unreadable until it is back, and nothing stays of it") {
  Stored s;
  CHECK(s.StateAfter(s.Report(Verdict::kProven, Level::kBoot)) == SnapshotState::kRestorable);
  const std::string path = s.dir->SnapshotPath(s.manifest.name);
  REQUIRE(s.test.fs().Rename(path, path + ".away").ok());
  CHECK(s.State() == SnapshotState::kUnreadable);
  REQUIRE(s.test.fs().Rename(path + ".away", path).ok());
  CHECK(s.State() == SnapshotState::kRestorable);
}

TEST_CASE("damage that was found lasts until the bytes are found right") {
  Stored s;
  CHECK(s.StateAfter(s.Report(Verdict::kProven, Level::kBoot)) == SnapshotState::kRestorable);
  SECTION("by the scrub") {
    s.Update([](Checks& checks) { checks.FoundDamaged(WallTime(900s), "a bit"); });
    CHECK(s.State() == SnapshotState::kDamaged);
    s.Update([](Checks& checks) { checks.FoundRight(WallTime(901s)); });
    CHECK(s.State() == SnapshotState::kRestorable);
  }
  const auto sum_check = [&](CheckResult result) {
    return std::vector<drill::Check>{
        {CheckName::kSha256, result, s.manifest.sha256, "what was read"}};
  };
  const auto find_right = [&](WallTime now) {
    const catalog::CatalogEntry entry =
        catalog::ReadCatalog(s.test.context(), *s.dir)->snapshots.at(0);
    s.Update([&](Checks& checks) { checks.FoundRight(now, entry.AnsweredByItsBytes()); });
  };
  SECTION("by a drill that read them") {
    DrillReport report = s.Report(Verdict::kDamaged, Level::kPresent);
    report.stages = {{StageName::kChecksum, StageResult::kFail, 0, "SHA-256"}};
    report.checks = sum_check(CheckResult::kFail);
    CHECK(s.StateAfter(report) == SnapshotState::kDamaged);
    s.Update([](Checks& checks) { checks.FoundRight(WallTime(901s)); });
    CHECK(s.State() == SnapshotState::kDamaged);  // a look that knew nothing of the drill
    find_right(WallTime(100s));                   // by a clock that is behind
    CHECK(s.State() == SnapshotState::kUntested);
    report.finished = WallTime(50s);  // found again, by such a clock
    CHECK(s.StateAfter(report) == SnapshotState::kDamaged);
  }
  SECTION("by a drill that found them right, and what they say wrong") {
    DrillReport report = s.Report(Verdict::kDamaged, Level::kPresent);
    report.stages = {{StageName::kChecksum, StageResult::kFail, 0, "manifest_mismatch"}};
    report.checks = sum_check(CheckResult::kPass);
    CHECK(s.StateAfter(report) == SnapshotState::kDamaged);
    find_right(WallTime(901s));
    CHECK(s.State() == SnapshotState::kDamaged);
    const catalog::CatalogEntry entry =
        catalog::ReadCatalog(s.test.context(), *s.dir)->snapshots.at(0);
    s.Update([&](Checks& checks) { checks.FoundRight(WallTime(902s), entry.AnsweredByProof()); });
    CHECK(s.State() == SnapshotState::kUntested);
  }
  SECTION("by a drill that another one followed, which was not carried through") {
    CHECK(s.StateAfter(s.Report(Verdict::kDamaged, Level::kPresent)) == SnapshotState::kDamaged);
    CHECK(s.StateAfter(s.Report(Verdict::kNotProvable, Level::kPresent)) ==
          SnapshotState::kDamaged);
    find_right(WallTime(901s));
    CHECK(s.State() == SnapshotState::kUntested);
  }
}

TEST_CASE("no clock orders a drill that passed against damage that was found since") {
  for (const Duration ahead :
       {Duration(-400 * 24h), Duration(0), Duration(200s), Duration(400 * 24h)}) {
    Stored s;
    DrillReport report = s.Report(Verdict::kProven, Level::kBoot);
    report.finished = s.test.clock().Now() + ahead;
    CHECK(s.StateAfter(report) == SnapshotState::kRestorable);
    s.Update([&](Checks& checks) { checks.FoundDamaged(s.test.clock().Now(), "a bit"); });
    CHECK(s.State() == SnapshotState::kDamaged);
  }
}

TEST_CASE("evidence that can't be read is not evidence that nothing happened") {
  Stored s;
  CHECK(s.StateAfter(s.Report(Verdict::kProven, Level::kBoot)) == SnapshotState::kRestorable);
  const auto read = [&] { return *catalog::ReadCatalog(s.test.context(), *s.dir); };
  const auto unreadable = [&] { return report::WhyUnreadable(read()).size(); };
  REQUIRE(unreadable() == 0);
  SECTION("a record of checks, until the bytes are looked at again") {
    s.Update([](Checks& checks) { checks.FoundDamaged(WallTime(900s), "a bit"); });
    testing::WriteFile(s.test.Path("store/checks/" + s.manifest.name + ".json"), "");
    CHECK(s.State() == SnapshotState::kUnreadable);
    CHECK(unreadable() == 1);
    CHECK(read().Newest(WallTime::max()) == nullptr);
    s.Update([](Checks& checks) { checks.FoundRight(WallTime(901s)); });
    CHECK(s.State() == SnapshotState::kRestorable);
  }
  SECTION("a manifest") {
    testing::WriteFile(s.test.Path("store/" + s.manifest.name + ".json"), "");
    CHECK(CountIn(read(), SnapshotState::kUnreadable) == 1);
    CHECK(unreadable() == 1);
    const auto found = catalog::SelectSnapshot(
        s.test.context(), *catalog::ReadCatalog(s.test.context(), *s.dir), s.manifest.name);
    CHECK(ReasonOf(found.status()) == Reason::kDamaged);
  }
  SECTION("the report of a drill, which may have failed") {
    CHECK(s.StateAfter(s.Report(Verdict::kDamaged, Level::kPresent)) == SnapshotState::kDamaged);
    const std::string path =
        s.test.Path("store/drills/" + s.dir->DrillReports()->back().name + ".json");
    testing::WriteFile(path, "");
    testing::WriteFile(s.test.Path("store/drills/notes.json"), "somebody's");
    CHECK(s.State() == SnapshotState::kUntested);
    CHECK(unreadable() == 1);
    CHECK(FailuresIn(read()) == 1);
    CHECK(s.StateAfter(s.Report(Verdict::kProven, Level::kBoot)) == SnapshotState::kRestorable);
    CHECK(FailuresIn(read()) == 0);
  }
  SECTION("the report of a drill of an older snapshot") {
    Manifest newer = s.manifest;
    newer.name = store::SnapshotName("c", 2, newer.taken);
    newer.place = 7;
    auto file = DurableFile::Create(s.test.fs(), s.dir->StagingPath());
    REQUIRE(file->Append("x").ok());
    REQUIRE(s.dir->Seal(*file, newer).ok());
    DrillReport report = s.Report(Verdict::kProven, Level::kBoot);
    report.snapshot = newer.name;
    s.StateAfter(report);
    s.StateAfter(s.Report(Verdict::kProven, Level::kBoot));
    testing::WriteFile(s.test.Path("store/drills/" + s.dir->DrillReports()->back().name + ".json"),
                       "");
    CHECK(s.State() == SnapshotState::kUntested);
    CHECK(CountIn(read(), SnapshotState::kRestorable) == 1);
    CHECK(FailuresIn(read()) == 0);  // it was none of the newest
  }
}

TEST_CASE("a drill of other bytes under the same name proves nothing of these") {
  Stored s;
  for (const auto& [verdict, level] :
       {std::pair(Verdict::kProven, Level::kBoot), std::pair(Verdict::kDamaged, Level::kPresent)}) {
    DrillReport report = s.Report(verdict, level);
    report.checks = {{CheckName::kSha256, CheckResult::kPass, std::string(64, 'b'), ""}};
    CHECK(s.StateAfter(report) == SnapshotState::kUntested);
    CHECK_FALSE(
        catalog::ReadCatalog(s.test.context(), *s.dir)->snapshots.at(0).last_drill.has_value());
  }
  DrillReport report = s.Report(Verdict::kProven, Level::kBoot);
  report.checks = {{CheckName::kSha256, CheckResult::kPass, s.manifest.sha256, ""}};
  CHECK(s.StateAfter(report) == SnapshotState::kRestorable);
}

TEST_CASE("a drill that was killed is a failed one, told once, and its report follows the others") {
  Stored s;
  auto first = s.Report(Verdict::kProven, Level::kBoot);
  first.id = "1";
  REQUIRE(s.dir
              ->AddDrillReport(first.snapshot, first.finished,
                               [&](const auto& before) { return EvidenceJson(first, before); })
              .ok());
  DrillReport begun = s.Report(Verdict::kNotProvable, Level::kPresent);
  begun.id = "2";
  begun.started = WallTime(250s);
  begun.stages = {{StageName::kSelect, StageResult::kFail, 0, "killed"}};
  testing::WriteFile(s.test.Path("store/drills/.00ff.begun"), Dump(ToJson(begun)));
  testing::WriteFile(s.test.Path("store/drills/.00fe.begun"), "half a");
  for (int times = 0; times < 2; ++times) {
    TellOfKilledDrills(s.test.context(), *s.dir);
    const auto catalog = catalog::ReadCatalog(s.test.context(), *s.dir);
    REQUIRE(catalog->drills.size() == 2);
    CHECK(catalog->drills[1].failed_stage == StageName::kSelect);
    CHECK(catalog->drills[1].error == "killed");
    CHECK(catalog->drills[1].started == WallTime(250s));
    CHECK(FailuresIn(*catalog) == 1);
    CHECK(catalog->snapshots[0].state ==
          SnapshotState::kRestorable);  // it says nothing of the data
    CHECK(CheckEvidence(*s.dir->DrillReports()).empty());
    // The marks are back after a power loss, as is that of the drill which passed.
    testing::WriteFile(s.test.Path("store/drills/.00ff.begun"), Dump(ToJson(begun)));
    testing::WriteFile(s.test.Path("store/drills/.00fd.begun"), Dump(ToJson(first)));
  }
}

TEST_CASE("a drill of another history speaks for nothing of ours") {
  Stored s;
  DrillReport failed = s.Report(Verdict::kDamaged, Level::kPresent);
  CHECK(s.StateAfter(failed) == SnapshotState::kDamaged);
  Manifest other = s.manifest;
  other.name = store::SnapshotName("c", 2, other.taken);
  other.place = 7;
  other.other_history = true;
  auto file = DurableFile::Create(s.test.fs(), s.dir->StagingPath());
  REQUIRE(file->Append("x").ok());
  REQUIRE(s.dir->Seal(*file, other).ok());
  const auto read = [&] { return *catalog::ReadCatalog(s.test.context(), *s.dir); };
  SECTION("when it is run") {
    catalog::Follower catalog(*s.dir, "c");
    const StoredDrill drill = RunDrill(
        s.test.context(),
        {.catalog = catalog, .snapshot = other, .config = {.scratch_dir = s.test.Path("scratch")}},
        *s.dir);
    CHECK_FALSE(drill.report.newest);
    CHECK(FailuresIn(read()) == 1);  // that of ours
  }
  SECTION("when its report says that it was of the newest") {
    DrillReport report = s.Report(Verdict::kProven, Level::kBoot);
    report.snapshot = other.name;
    s.StateAfter(report);
    CHECK(FailuresIn(read()) == 1);
    const report::DrillTally drills = report::TallyDrills(read().drills, WallTime::max());
    CHECK_FALSE(drills.last_success.has_value());
    CHECK(read().NewestRestorable(WallTime::max()) == nullptr);
  }
  SECTION("when nothing of ours can be drilled") {
    const auto catalog = catalog::ReadCatalog(s.test.context(), *s.dir);
    REQUIRE(catalog::PlanDrills(*catalog, {}, WallTime::max()).empty());
    CHECK(DrillNothing(s.test.context(), *catalog, *s.dir).report.snapshot == s.manifest.name);
  }
}

TEST_CASE("where nothing can be drilled the drill failed, and says so of the newest") {
  Stored s;
  s.Update([](Checks& checks) { checks.FoundDamaged(WallTime(900s), "a bit"); });
  const auto catalog = catalog::ReadCatalog(s.test.context(), *s.dir);
  REQUIRE(catalog::PlanDrills(*catalog, {}, WallTime::max()).empty());
  const StoredDrill drill = DrillNothing(s.test.context(), *catalog, *s.dir);
  CHECK(drill.kept.ok());
  CHECK_FALSE(drill.report.passed());
  const auto after = catalog::ReadCatalog(s.test.context(), *s.dir);
  REQUIRE(after->drills.size() == 1);
  CHECK(after->drills[0].snapshot == s.manifest.name);
  CHECK(FailuresIn(*after) == 1);
}

}  // namespace
}  // namespace etcdrill::pipeline
