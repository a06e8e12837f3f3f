// Everything that changes a store, under every failure of the disk and every power loss. Whoever
// opens the store afterwards finds it as it was or as it should be, and nothing else.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "catalog/follower.h"
#include "store/local_store.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/every_fault.h"

namespace etcdrill::store {
namespace {

using testing::Ending;
using testing::Survives;
using testing::UnderEveryFault;
using testing::World;

constexpr const char* kDir = "/srv/store";
const WallTime kTaken = WallTime(std::chrono::seconds(1'795'339'107));

Manifest ManifestOf(int64_t revision) {
  Manifest m;
  m.taken = kTaken + std::chrono::seconds(revision);
  m.cluster = "prod";
  m.name = SnapshotName(m.cluster, revision, m.taken);
  m.revision = revision;
  m.verdict = Verdict::kProven;
  m.size_bytes = m.name.size();  // its content
  return m;
}

std::string NameOf(int64_t revision) { return ManifestOf(revision).name; }

Result<std::unique_ptr<LocalStore>> Open(World& world) {
  return LocalStore::Open(world.context(), kDir);
}

Status Seal(World& world, LocalStore& store, int64_t revision) {
  const Manifest manifest = ManifestOf(revision);
  ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(world.fs(), store.StagingPath()));
  RETURN_IF_ERROR(file.Append(manifest.name));
  return store.Seal(file, manifest);
}

void Prepare(World& world, const std::vector<int64_t>& revisions) {
  const auto store = Open(world);
  REQUIRE(store.ok());
  for (const int64_t revision : revisions) REQUIRE(Seal(world, **store, revision).ok());
}

bool IsStray(const std::string& path, const std::vector<std::string>& names) {
  const auto is_of_one = [&](std::string_view suffix) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& n) {
      return path.ends_with(n + std::string(suffix));
    });
  };
  if (path.ends_with(".part")) return true;
  if (path.ends_with(".db")) return !is_of_one(".db");
  if (path.find("/checks/") != std::string::npos && path.ends_with(".json"))
    return !is_of_one(".json");
  return false;
}

struct Found {
  std::unique_ptr<LocalStore> store;
  std::vector<catalog::CatalogEntry> snapshots;
  std::vector<int64_t> revisions;
};

// As the next sidecar finds it: each listed snapshot is whole, and nothing else is left after its
// sweep but the files that have lost their manifest. These are told of, and no others, swept or
// not.
Found Reopen(World& world, const std::vector<std::string>& lost = {}) {
  auto store = Open(world);
  REQUIRE(store.ok());
  const auto lost_now = [&] {
    std::vector<std::string> names;
    const auto read = catalog::ReadCatalog(world.context(), **store);
    REQUIRE(read.ok());
    for (const LostManifest& l : read->lost) names.push_back(l.name);
    return names;
  };
  CHECK(lost_now() == lost);
  REQUIRE((*store)->TakeOwnership().ok());
  CHECK(lost_now() == lost);
  auto read = catalog::ReadCatalog(world.context(), **store);
  REQUIRE(read.ok());
  Found found{*std::move(store), std::move(read->snapshots), {}};
  std::vector<std::string> names = lost;
  for (const catalog::CatalogEntry& s : found.snapshots) {
    CHECK(s.problem.empty());
    CHECK(world.Read(found.store->SnapshotPath(s.manifest.name)) == s.manifest.name);
    CHECK(ToJson(s.manifest) == ToJson(ManifestOf(s.manifest.revision)));
    found.revisions.push_back(s.manifest.revision);
    names.push_back(s.manifest.name);
  }
  for (const std::string& path : world.disk().Paths()) {
    INFO(path);
    CHECK_FALSE(IsStray(path, names));
  }
  return found;
}

using Revisions = std::vector<int64_t>;

TEST_CASE("a store that was made stays, and remembers when") {
  UnderEveryFault({.act = [](World& world) { return Open(world).status(); },
                   .check =
                       [](World& world, const Ending& ending) {
                         if (ending.ok()) CHECK(world.Has(fmt::format("{}/state.json", kDir)));
                         const WallTime created = Reopen(world).store->created();
                         CHECK(Reopen(world).store->created() == created);
                       }});
}

TEST_CASE("a sealed snapshot is there with its manifest, or neither is") {
  UnderEveryFault({.prepare = [](World& world) { Prepare(world, {1}); },
                   .act = [](World& world) -> Status {
                     ASSIGN_OR_RETURN(const auto store, Open(world));
                     return Seal(world, *store, 2);
                   },
                   .check =
                       [](World& world, const Ending& ending) {
                         if (ending.MustBeUndone()) {  // also before anybody sweeps
                           CHECK(world.disk().Find(kDir)->entries.size() == 5);
                         }
                         const Revisions found = Reopen(world).revisions;
                         if (ending.ok()) CHECK(found == Revisions{1, 2});
                         CHECK((found == Revisions{1} || found == Revisions{1, 2}));
                       }});
}

TEST_CASE("a deleted snapshot is gone, or is there whole") {
  UnderEveryFault(
      {.prepare =
           [](World& world) {
             Prepare(world, {1, 2});
             REQUIRE(
                 (*Open(world))->UpdateChecks(NameOf(1), [](Checks& c) { c.damage = "x"; }).ok());
           },
       .act = [](World& world) -> Status {
         ASSIGN_OR_RETURN(const auto store, Open(world));
         return store->Delete(NameOf(1));
       },
       .check =
           [](World& world, const Ending& ending) {
             if (ending.ok()) CHECK_FALSE(world.Has(fmt::format("{}/{}.db", kDir, NameOf(1))));
             const Revisions found = Reopen(world).revisions;
             if (ending.ok()) CHECK(found == Revisions{2});
             CHECK((found == Revisions{2} || found == Revisions{1, 2}));
           }});
}

TEST_CASE("a sweep removes what is left over, and nothing by halves") {
  UnderEveryFault({.prepare =
                       [](World& world) {
                         Prepare(world, {1, 2});
                         world.Write(fmt::format("{}/.0123456789abcdef.db.part", kDir), "x");
                         world.Write(fmt::format("{}/{}.db", kDir, NameOf(3)), "x");
                         world.Write(fmt::format("{}/.{}.json.part", kDir, NameOf(3)), "x");
                         world.Write(fmt::format("{}/..{}.json.part.part", kDir, NameOf(3)), "x");
                         world.Write(fmt::format("{}/checks/{}.json", kDir, NameOf(3)), "x");
                         world.Write(fmt::format("{}/checks/notes.txt", kDir), "x");
                         world.Write(fmt::format("{}/{}.db", kDir, NameOf(4)), "copied by hand");
                         world.Write(fmt::format("{}/checks/{}.json", kDir, NameOf(4)), "x");
                       },
                   .act = [](World& world) -> Status {
                     // Of a deletion that was killed in the middle, a moment ago.
                     RETURN_IF_ERROR(
                         world.fs().Rename(fmt::format("{}/{}.json", kDir, NameOf(2)),
                                           fmt::format("{}/.{}.json.part", kDir, NameOf(2))));
                     ASSIGN_OR_RETURN(const auto store, Open(world));
                     return store->TakeOwnership();
                   },
                   .check =
                       [](World& world, const Ending& ending) {
                         const Revisions found = Reopen(world, {NameOf(4)}).revisions;
                         if (ending.ok()) CHECK(found == Revisions{1});
                         CHECK((found == Revisions{1} || found == Revisions{1, 2}));
                         CHECK(world.Has(fmt::format("{}/checks/notes.txt", kDir)));
                         CHECK(world.Has(fmt::format("{}/checks/{}.json", kDir, NameOf(4))));
                       }});
}

TEST_CASE("a record of checks is the old one or the new one") {
  const std::string before = GENERATE("", "old");
  UnderEveryFault({.prepare =
                       [&](World& world) {
                         Prepare(world, {1});
                         if (before.empty()) return;
                         REQUIRE(
                             (*Open(world))
                                 ->UpdateChecks(NameOf(1), [&](Checks& c) { c.damage = before; })
                                 .ok());
                       },
                   .act = [](World& world) -> Status {
                     ASSIGN_OR_RETURN(const auto store, Open(world));
                     return store->UpdateChecks(NameOf(1), [](Checks& c) { c.damage += "+new"; });
                   },
                   .check =
                       [&](World& world, const Ending& ending) {
                         const Found found = Reopen(world);
                         REQUIRE(found.revisions == Revisions{1});
                         const std::string damage = found.snapshots[0].checks.damage;
                         if (ending.ok()) CHECK(damage == before + "+new");
                         CHECK((damage == before || damage == before + "+new"));
                       }});
}

TEST_CASE("the suspects are the old ones or the new ones") {
  const auto add = [](World& world, const char* id) -> Status {
    ASSIGN_OR_RETURN(const auto store, Open(world));
    return store->UpdateSuspects(
        [&](std::vector<Suspect>& s) { s.push_back({.cluster = "c", .member_id = id}); });
  };
  const bool old = GENERATE(false, true);
  UnderEveryFault({.prepare =
                       [&](World& world) {
                         Prepare(world, {1});
                         if (old) REQUIRE(add(world, "a").ok());
                       },
                   .act = [&](World& world) { return add(world, "b"); },
                   .check =
                       [&](World& world, const Ending& ending) {
                         CHECK(Reopen(world).revisions == Revisions{1});
                         const auto found = (*Open(world))->Suspects();
                         REQUIRE(found.ok());
                         std::string ids;
                         for (const Suspect& s : found->value_or(std::vector<Suspect>()))
                           ids += s.member_id;
                         const std::string before = old ? "a" : "";
                         if (ending.ok()) CHECK(ids == before + "b");
                         CHECK((ids == before || ids == before + "b"));
                       }});
}

TEST_CASE("a drill report is added whole, and none before it is lost") {
  const auto add = [](World& world, const std::string& json) -> Status {
    ASSIGN_OR_RETURN(const auto store, Open(world));
    return store->AddDrillReport(NameOf(1), kTaken, [&](const auto&) { return json; });
  };
  UnderEveryFault({.prepare =
                       [&](World& world) {
                         Prepare(world, {1});
                         REQUIRE(add(world, "first").ok());
                       },
                   .act = [&](World& world) { return add(world, "second"); },
                   .check =
                       [](World& world, const Ending& ending) {
                         const auto drills = Reopen(world).store->DrillReports();
                         REQUIRE(drills.ok());
                         std::vector<std::string> found;
                         for (const DrillFile& drill : *drills) found.push_back(drill.json);
                         using Reports = std::vector<std::string>;
                         if (ending.ok()) CHECK(found == Reports{"first", "second"});
                         CHECK((found == Reports{"first"} || found == Reports{"first", "second"}));
                       }});
}

TEST_CASE("a drill that ended leaves no mark, and one that was killed a whole one") {
  const bool killed = GENERATE(false, true);
  std::string told;
  const auto tell = [&](const std::string& text) {
    told += text;
    return OkStatus();
  };
  std::string told_before;  // the power went
  UnderEveryFault({.prepare =
                       [&](World& world) {
                         Prepare(world, {1});
                         // Its lock went with the process.
                         if (killed)
                           world.Write(fmt::format("{}/drills/.1.begun", kDir), "a drill");
                       },
                   .act = [&](World& world) -> Status {
                     told.clear();
                     ASSIGN_OR_RETURN(const auto store, Open(world));
                     const Status taken = killed ? store->TakeDeadDrills(tell)
                                                 : store->MarkDrill("a drill").status();
                     told_before = told;
                     return taken;
                   },
                   .check =
                       [&](World& world, const Ending& ending) {
                         const Found found = Reopen(world);
                         told.clear();
                         CHECK(found.store->TakeDeadDrills(tell).ok());
                         CHECK((told.empty() || told == "a drill"));
                         if (ending.sound) CHECK(told.empty());
                         if (killed) CHECK((told_before == "a drill" || told == "a drill"));
                         told.clear();
                         CHECK(found.store->TakeDeadDrills(tell).ok());
                         CHECK(told.empty());
                       }});
}

}  // namespace
}  // namespace etcdrill::store
