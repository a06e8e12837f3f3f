// What is found while the disk takes nothing counts all the same, until it is written.
#include <cerrno>

#include "catalog/follower.h"
#include "crypto/hash.h"
#include "pipeline/drill_report.h"
#include "report/tally.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/every_fault.h"
#include "support/levels.h"

namespace etcdrill::pipeline {
namespace {

using testing::World;
using namespace std::chrono_literals;

struct FullDisk {
  FullDisk() {
    manifest.name = store::SnapshotName("c", 1, WallTime(100s));
    manifest.taken = WallTime(100s);
    manifest.size_bytes = 1;
    manifest.verdict = Verdict::kProven;
    auto file = DurableFile::Create(world.fs(), dir->StagingPath());
    REQUIRE(file->Append("x").ok());
    REQUIRE(dir->Seal(*file, manifest).ok());
    REQUIRE(Drill(Level::kBoot).ok());
    REQUIRE(StateIn(*dir) == SnapshotState::kRestorable);
  }
  void Fill(bool full = true) {
    world.fs().Inject(full ? std::optional(testing::Fault{.error = ENOSPC, .lasts = true})
                           : std::nullopt);
  }
  Status Drill(Level level) {
    DrillReport report;
    report.snapshot = manifest.name;
    report.levels =
        testing::LevelsTo(level, level == kTopLevel ? Verdict::kProven : Verdict::kDamaged);
    report.finished = WallTime(std::chrono::seconds(++second));
    const auto make = [report](const auto& before) { return EvidenceJson(report, before); };
    return dir->AddDrillReport(report.snapshot, report.finished, make, store::IfRefused::kCount);
  }
  Status Scrub(bool damaged) {
    const auto record = [damaged](Checks& checks) {
      damaged ? checks.FoundDamaged(WallTime(900s), "a bit") : checks.FoundRight(WallTime(901s));
    };
    return dir->UpdateChecks(manifest.name, record, store::IfRefused::kCount);
  }
  SnapshotState StateIn(const store::LocalStore& store) {
    return catalog::ReadCatalog(world.context(), store)->snapshots.at(0).state;
  }
  double Failures(const store::LocalStore& store) {
    const auto catalog = catalog::ReadCatalog(world.context(), store);
    return report::TallyDrills(catalog->drills, WallTime::max()).consecutive_failures;
  }
  std::unique_ptr<store::LocalStore> Restart() {
    return *store::LocalStore::Open(world.context(), "/store");
  }

  World world;
  std::unique_ptr<store::LocalStore> dir = Restart();
  Manifest manifest;
  int64_t second = 200;
};

TEST_CASE("damage that the scrub found on a full disk counts, and is written when there is room") {
  FullDisk s;
  s.Fill();
  CHECK_FALSE(s.Scrub(true).ok());
  CHECK(s.StateIn(*s.dir) == SnapshotState::kDamaged);
  CHECK_THAT(catalog::ReadCatalog(s.world.context(), *s.dir)->unkept,
             Catch::Matchers::ContainsSubstring("No space left"));
  s.dir->WriteUnkept();
  CHECK_FALSE(s.dir->unkept().empty());
  CHECK(s.StateIn(*s.Restart()) == SnapshotState::kRestorable);
  SECTION("written") {
    s.Fill(false);
    s.dir->WriteUnkept();
    CHECK(s.dir->unkept().empty());
    CHECK(s.StateIn(*s.dir) == SnapshotState::kDamaged);
    CHECK(s.StateIn(*s.Restart()) == SnapshotState::kDamaged);
  }
  SECTION("taken back before") {
    CHECK_FALSE(s.Scrub(false).ok());
    CHECK(s.StateIn(*s.dir) == SnapshotState::kRestorable);
  }
  SECTION("somebody else looked again, and wrote it down") {
    s.Fill(false);
    const auto other = s.Restart();
    REQUIRE(
        other->UpdateChecks(s.manifest.name, [](Checks& c) { c.FoundRight(WallTime(950s)); }).ok());
    CHECK(s.StateIn(*s.dir) == SnapshotState::kRestorable);
    CHECK(s.dir->unkept().empty());
  }
  SECTION("the snapshot goes") {
    s.Fill(false);
    REQUIRE(s.dir->Delete(s.manifest.name).ok());
    s.dir->WriteUnkept();
    CHECK(s.dir->unkept().empty());
  }
}

TEST_CASE("a drill on a full disk counts, and its report is written before all that come later") {
  FullDisk s;
  s.Fill();
  CHECK_FALSE(s.Drill(Level::kPresent).ok());
  CHECK_FALSE(s.Drill(Level::kPresent).ok());
  CHECK(s.StateIn(*s.dir) == SnapshotState::kDamaged);
  CHECK(s.Failures(*s.dir) == 2);
  s.Fill(false);
  SECTION("at the next look") {
    s.dir->WriteUnkept();
    CHECK(s.StateIn(*s.dir) == SnapshotState::kDamaged);
    CHECK(s.Failures(*s.Restart()) == 2);
  }
  SECTION("with the next report") {
    REQUIRE(s.Drill(Level::kBoot).ok());
    CHECK(s.StateIn(*s.dir) == SnapshotState::kRestorable);
    CHECK(s.Failures(*s.Restart()) == 0);
    CHECK(s.dir->DrillReports()->size() == 4);
  }
  CHECK(s.dir->unkept().empty());
  CHECK(CheckEvidence(*s.dir->DrillReports()).empty());
}

}  // namespace
}  // namespace etcdrill::pipeline
