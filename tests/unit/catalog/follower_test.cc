// Whoever follows a store knows what whoever reads it whole knows, and reads only what changed.
#include "catalog/follower.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <stop_token>

#include "store/names.h"
#include "support/catch.h"
#include "support/every_fault.h"
#include "support/fake_clock.h"

namespace etcdrill::catalog {
namespace {

using testing::World;
using namespace std::chrono_literals;

// As pipeline/drill_report writes it.
std::string ReportOf(const std::string& snapshot, WallTime finished, bool passed,
                     const std::optional<store::DrillFile>& before) {
  Json previous = nullptr;
  if (before.has_value()) previous = {{"name", before->name}};
  Json report = {{"kind", "DrillReport"},
                 {"snapshot", snapshot},
                 {"verdict", passed ? "proven" : "damaged"},
                 {"level_reached", passed ? 5 : 1},
                 {"started", FormatRfc3339(finished)},
                 {"finished", FormatRfc3339(finished)},
                 {"rto_seconds", 1.5},
                 {"stages", Json::array()},
                 {"checks", Json::array()}};
  report["evidence"] = {{"tool", "a test"}, {"previous", std::move(previous)}};
  return Dump(report) + "\n";
}

// A store to which things happen, the same with each run.
struct Store {
  std::string Seal(const std::string& cluster = "a", Verdict verdict = Verdict::kProven) {
    Manifest m;
    m.cluster = cluster;
    m.revision = ++sealed;
    m.taken = WallTime(std::chrono::seconds(1000 + sealed));
    m.name = store::SnapshotName(m.cluster, m.revision, m.taken);
    m.place = sealed < 4 ? 0 : static_cast<uint64_t>(sealed);  // the first ones by 0.1.0
    m.size_bytes = 5;
    m.verdict = verdict;
    auto file = DurableFile::Create(world.fs(), dir->StagingPath());
    REQUIRE(file.ok());
    REQUIRE(file->Append("bytes").ok());
    REQUIRE(dir->Seal(*file, m).ok());
    return m.name;
  }
  Status Scrub(const std::string& name, bool damaged) {
    const WallTime now(std::chrono::seconds(++second));
    const auto record = [&](Checks& checks) {
      damaged ? checks.FoundDamaged(now, "a bit") : checks.FoundRight(now);
    };
    return dir->UpdateChecks(name, record, store::IfRefused::kCount);
  }
  Status Drill(const std::string& name, bool passed) {
    const WallTime now(std::chrono::seconds(++second));
    const auto make = [=](const auto& before) { return ReportOf(name, now, passed, before); };
    return dir->AddDrillReport(name, now, make, store::IfRefused::kCount);
  }
  void Suspect(const std::string& id) {
    const auto add = [&](std::vector<store::Suspect>& s) {
      s.push_back({.cluster = "a", .member_id = id});
    };
    dir->UpdateSuspects(add).IgnoreError();
  }
  void Replace(const std::string& path, std::string_view bytes) {
    world.fs().Unlink(path).IgnoreError();
    world.Write(path, bytes);
  }
  // Files that were read meanwhile.
  int64_t Reads(const std::function<void()>& act) {
    world.fs().Inject(std::nullopt);
    act();
    return std::ranges::count(world.fs().calls(), testing::Call::kRead);
  }

  World world;
  std::unique_ptr<store::LocalStore> dir = *store::LocalStore::Open(world.context(), "/store");
  int64_t sealed = 0;
  int64_t second = 100'000;
};

// What sidecars, commands, people and disks do to a store, by the dice.
class Dice {
 public:
  // Says what.
  int64_t Happen(Store& s) {
    const bool heads = Roll(2) == 0;
    const std::string name = names_.empty() ? "" : names_[Roll(names_.size())];
    const int64_t what = names_.size() < 5 ? 0 : static_cast<int64_t>(Roll(15));
    if (what <= 1) {
      const Verdict verdict = Roll(6) == 0 ? Verdict::kDamaged : Verdict::kProven;
      names_.push_back(s.Seal(heads ? "a" : "b", verdict));
      manifests_.push_back(s.world.Read(s.dir->ManifestPath(names_.back())));
    }
    if (what == 2) s.dir->Delete(name).IgnoreError();
    if (what == 3) s.Scrub(name, heads).IgnoreError();
    if (what == 4 || what == 5) CHECK(s.Drill(name, heads).ok());
    if (what == 6) s.Replace(s.dir->SnapshotPath(name), heads ? "cut" : "bytes");
    if (what == 7) s.world.fs().Unlink(s.dir->SnapshotPath(name)).IgnoreError();
    if (what == 8) s.Replace(s.dir->ManifestPath(name), heads ? "{}" : ManifestOf(name));
    if (what == 9) s.world.fs().Unlink(s.dir->ManifestPath(name)).IgnoreError();
    if (what == 10) s.Replace(s.dir->ChecksPath(name), heads ? "{" : "{}");
    if (what == 11) {
      const auto reports = s.dir->DrillNames();
      REQUIRE(reports.ok());
      const std::string report = reports->empty() ? "notes" : (*reports)[Roll(reports->size())];
      s.Replace(s.dir->DrillPath(report), "{}");
      if (heads) CHECK(s.world.fs().Unlink(s.dir->DrillPath(report)).ok());
    }
    if (what == 12) {  // the disk is full for a moment
      s.world.fs().Inject(testing::Fault{.error = ENOSPC, .lasts = true});
      CHECK_FALSE(s.Scrub(name, heads).ok());
      CHECK_FALSE(s.Drill(name, !heads).ok());
      s.world.fs().Inject(std::nullopt);
    }
    if (what == 13) s.dir->WriteUnkept();
    if (what == 14) heads ? s.Suspect(name) : s.Replace(s.dir->SuspectsPath(), "rot");
    return what;
  }
  size_t Roll(size_t sides) { return dice_() % sides; }

 private:
  std::string ManifestOf(const std::string& name) const {
    return manifests_[static_cast<size_t>(std::ranges::find(names_, name) - names_.begin())];
  }

  std::mt19937 dice_{14};
  std::vector<std::string> names_;  // also of those that are gone
  std::vector<std::string> manifests_;
};

TEST_CASE("who follows a store knows at each step what who reads it whole knows") {
  const std::string cluster = GENERATE("", "a");
  Store s;
  Dice dice;
  Follower follower(*s.dir, cluster);
  std::set<SnapshotState> states;
  size_t lost = 0;
  size_t unkept = 0;
  for (int step = 0; step < 400; ++step) {
    const int64_t what = dice.Happen(s);
    INFO("step " << step << ": " << what);
    if (dice.Roll(4) == 0) continue;  // more happens before anybody looks
    const auto followed = follower.Refresh(s.world.context());
    const auto read = ReadCatalog(s.world.context(), *s.dir, cluster);
    REQUIRE(followed.ok());
    REQUIRE(read.ok());
    REQUIRE((**followed == *read));
    REQUIRE(follower.Now() == *followed);
    for (const CatalogEntry& entry : read->snapshots) states.insert(entry.state);
    lost += read->lost.size();
    unkept += read->unkept.size();
  }
  CHECK(states.size() == 4);
  CHECK(lost > 0);
  CHECK(unkept > 0);
  CHECK(follower.Now()->drills.size() > 5);
}

TEST_CASE("only what came or changed is read") {
  Store s;
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) names.push_back(s.Seal());
  for (const std::string& name : names) {
    REQUIRE(s.Scrub(name, false).ok());
    REQUIRE(s.Drill(name, true).ok());
  }
  Follower follower(*s.dir, {});
  const auto refresh = [&] { REQUIRE(follower.Refresh(s.world.context()).ok()); };
  CHECK(follower.Now() == nullptr);
  CHECK(s.Reads(refresh) == 15);
  const auto first = follower.Now();
  CHECK(s.Reads(refresh) == 0);
  CHECK(follower.Now() == first);
  names.push_back(s.Seal());
  CHECK(s.Reads(refresh) == 1);
  CHECK(follower.Now()->snapshots.size() == 6);
  CHECK(first->snapshots.size() == 5);
  REQUIRE(s.Scrub(names[0], true).ok());
  CHECK(s.Reads(refresh) == 1);
  CHECK(follower.Now()->snapshots[0].state == SnapshotState::kDamaged);
  REQUIRE(s.Drill(names[5], true).ok());
  CHECK(s.Reads(refresh) == 1);
  CHECK(follower.Now()->snapshots[5].state == SnapshotState::kRestorable);
  REQUIRE(s.dir->Delete(names[1]).ok());
  s.Replace(s.dir->SnapshotPath(names[2]), "cut");
  CHECK(s.Reads(refresh) == 0);
  CHECK(follower.Now()->snapshots.size() == 5);
  CHECK(follower.Now()->snapshots[1].state == SnapshotState::kDamaged);
}

TEST_CASE("what changed a moment ago is read once more, as two changes may have one stamp") {
  Store s;  // a file on a simulated disk has changed some ms after 1970 began
  s.Seal();
  testing::FakeClock clock(WallTime(1s));
  const Context& world = s.world.context();
  const Context context{world.fs, clock, world.random, world.processes, world.log};
  Follower follower(*s.dir, {});
  const auto refresh = [&] { REQUIRE(follower.Refresh(context).ok()); };
  CHECK(s.Reads(refresh) == 1);
  CHECK(s.Reads(refresh) == 1);
  clock.Jump(1h);
  CHECK(s.Reads(refresh) == 1);
  CHECK(s.Reads(refresh) == 0);
}

TEST_CASE("a look at the directories tells whether there may be something new") {
  Store s;
  const std::string name = s.Seal();
  testing::FakeClock clock(WallTime(1h));
  const Context& world = s.world.context();
  const Context context{world.fs, clock, world.random, world.processes, world.log};
  Follower follower(*s.dir, {});
  CHECK(follower.MayHaveChanged(context));
  const auto refresh = [&] { REQUIRE(follower.Refresh(context).ok()); };
  refresh();
  CHECK_FALSE(follower.MayHaveChanged(context));
  SECTION("a snapshot") { s.Seal(); }
  SECTION("a deletion") { CHECK(s.dir->Delete(name).ok()); }
  SECTION("what a scrub found") { CHECK(s.Scrub(name, true).ok()); }
  SECTION("a drill report") { CHECK(s.Drill(name, true).ok()); }
  SECTION("a suspect") { s.Suspect("1"); }
  SECTION("time, as a file may be written in its place") { CHECK(clock.SleepFor(61s, {})); }
  SECTION("a clock that was set") { clock.Jump(-30min); }
  SECTION("an error") {
    s.world.fs().Inject(testing::Fault{.error = EIO, .lasts = true});
    CHECK_FALSE(follower.Refresh(context).ok());
    s.world.fs().Inject(std::nullopt);
  }
  CHECK(follower.MayHaveChanged(context));
  refresh();
  CHECK_FALSE(follower.MayHaveChanged(context));
}

TEST_CASE("an error leaves what was known, and what was read") {
  Store s;
  s.Seal();
  Follower follower(*s.dir, {});
  const auto refresh = [&] { REQUIRE(follower.Refresh(s.world.context()).ok()); };
  refresh();
  const auto known = follower.Now();
  s.world.fs().Inject(testing::Fault{.error = EIO, .lasts = true});
  CHECK_FALSE(follower.Refresh(s.world.context()).ok());
  CHECK(follower.Now() == known);
  CHECK(s.Reads(refresh) == 0);
  std::stop_source stop;
  stop.request_stop();
  s.Seal();
  const auto stopped = follower.Refresh(s.world.context().With(stop.get_token()));
  CHECK(IsInterrupted(stopped.status()));
  CHECK(follower.Now() == known);
  refresh();
  CHECK(follower.Now()->snapshots.size() == 2);
}

TEST_CASE("the snapshots are listed while the drill reports can't be") {
  Store s;
  s.Seal("b");
  s.Seal("a");
  REQUIRE(s.world.fs().RemoveAll("/store/drills").ok());
  Follower follower(*s.dir, "a");
  CHECK_FALSE(follower.Refresh(s.world.context()).ok());
  const auto catalog = follower.ReadWithoutDrills(s.world.context());
  REQUIRE(catalog.ok());
  CHECK((*catalog)->snapshots.size() == 1);
}

}  // namespace
}  // namespace etcdrill::catalog
