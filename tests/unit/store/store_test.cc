// The store on disk: what is sealed is found again, what is not sealed is not there.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "catalog/follower.h"
#include "io/process.h"
#include "store/local_store.h"
#include "store/manifest_file.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::store {
namespace {

using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

Manifest MakeManifest(int64_t revision, Duration age = 0s) {
  Manifest m;
  m.taken = WallTime(1'795'339'107s) - age;
  m.cluster = "prod";
  m.name = SnapshotName(m.cluster, revision, m.taken);
  m.size_bytes = 5;
  m.sha256 = "00ff";
  m.revision = revision;
  m.compact_revision = -1;
  m.hash = 0xffffffff;
  m.verdict = Verdict::kProven;
  m.receipt = {{.endpoint = "https://a:2379",
                .member_id = "1f",
                .hash = 7,
                .revision = revision,
                .compact_revision = -1,
                .result = Comparison::kEqual},
               {.endpoint = "https://b:2379", .error = "down"}};
  m.lineage = {"prod-older", Continuity::kDiverged, "went back", 0.25};
  return m;
}

void Seal(TestContext& test, LocalStore& store, const Manifest& manifest) {
  auto file = DurableFile::Create(test.fs(), store.StagingPath());
  REQUIRE(file.ok());
  REQUIRE(file->Append("bytes").ok());
  REQUIRE(store.Seal(*file, manifest).ok());
}

// What whoever looks into it finds.
Result<catalog::Catalog> Read(TestContext& test, const LocalStore& store) {
  return catalog::ReadCatalog(test.context(), store);
}

TEST_CASE("a manifest survives being written and read") {
  Manifest m = MakeManifest(42);
  m.receipt[0].outvoted = true;
  CHECK(m.name == "prod-00000000000000000042-20261122T091827Z");
  const auto read = ParseManifest(Dump(ToJson(m)));
  REQUIRE(read.ok());
  CHECK(ToJson(*read) == ToJson(m));
  CHECK(read->receipt[0].outvoted);
}

TEST_CASE("a receipt of 0.1.0 has no number of keys, and is read all the same") {
  Manifest m = MakeManifest(42);
  CHECK_FALSE(ParseManifest(Dump(ToJson(m)))->receipt[0].live_keys.has_value());
  std::string old = Dump(ToJson(m));
  const std::string field = "      \"live_keys\": null,\n";
  REQUIRE(old.find(field) != std::string::npos);
  old.erase(old.find(field), field.size());
  const auto read = ParseManifest(old);
  REQUIRE(read.ok());
  CHECK(read->receipt[0].result == Comparison::kEqual);
  CHECK_FALSE(read->receipt[0].live_keys.has_value());
  m.receipt[0].live_keys = 9;
  CHECK(ParseManifest(Dump(ToJson(m)))->receipt[0].live_keys == 9);
}

TEST_CASE("what is no manifest is refused by the field that is wrong") {
  const auto refused = [](std::string text) {
    return std::string(MessageOf(ParseManifest(text).status()));
  };
  CHECK_THAT(refused("{}"), Catch::Matchers::ContainsSubstring("not a snapshot manifest"));
  CHECK_THAT(refused("\xff\xfe"), Catch::Matchers::ContainsSubstring("not a snapshot manifest"));
  std::string text = Dump(ToJson(MakeManifest(1)));
  text.replace(text.find("\"revision\": 1"), 13, "\"revision\": \"\"");
  CHECK_THAT(refused(text), Catch::Matchers::ContainsSubstring("\"revision\""));
}

TEST_CASE("sealed snapshots are listed by age") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  REQUIRE(store.ok());
  Seal(test, **store, MakeManifest(20));
  Seal(test, **store, MakeManifest(10, 1h));
  const auto read = Read(test, **store);
  REQUIRE(read.ok());
  const std::vector<catalog::CatalogEntry>& list = read->snapshots;
  REQUIRE(list.size() == 2);
  CHECK(list[0].manifest.revision == 10);
  CHECK(list[1].manifest.revision == 20);
  struct stat st {};
  REQUIRE(stat((*store)->SnapshotPath(list[0].manifest.name).c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);
  REQUIRE(stat((*store)->path().c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0700);
}

TEST_CASE("the owner sweeps what killed runs left, and nothing else") {
  TestContext test;
  const std::string dir = test.Path("store");
  {
    const auto store = LocalStore::Open(test.context(), dir);
    Seal(test, **store, MakeManifest(20));
  }
  const std::string name = SnapshotName("prod", 30, WallTime(1'795'339'107s));
  const std::vector<std::string> left = {name + ".db",
                                         "." + name + ".json.part",
                                         ".." + name + ".json.part.part",
                                         ".0123456789abcdef.db.part",
                                         "drills/." + name + "-20261122T080000Z.json.part",
                                         "checks/" + name + ".json",
                                         "checks/." + name + ".json.part"};
  const std::vector<std::string> foreign = {"somebody-elses.db", ".hidden.part",
                                            ".0123.db.part",     ".nfs0000000000000001",
                                            "checks/notes.txt",  "checks/.nfs0000000000000001",
                                            "drills/.x.part",    "checks/.mine.json.part"};
  const std::vector<std::string> dirs = {"lost+found",
                                         "@eaDir",
                                         "checks/@eaDir",
                                         "checks/lost+found",
                                         "drills/@eaDir",
                                         ".fedcba9876543210.db.part",
                                         name.substr(0, 4) + "x" + name.substr(4) + ".db",
                                         "checks/x" + name + ".json"};
  for (const std::string& file : left) testing::WriteFile(JoinPath(dir, file), "x");
  for (const std::string& file : foreign) testing::WriteFile(JoinPath(dir, file), "x");
  for (const std::string& folder : dirs)
    REQUIRE(test.fs().MakeDirs(JoinPath(dir, folder), 0700).ok());
  const auto store = LocalStore::Open(test.context(), dir);
  REQUIRE((*store)->TakeOwnership().ok());
  for (const std::string& file : left) CHECK_FALSE(test.fs().Exists(JoinPath(dir, file)));
  for (const std::string& file : foreign) CHECK(test.fs().Exists(JoinPath(dir, file)));
  for (const std::string& folder : dirs) CHECK(test.fs().Exists(JoinPath(dir, folder)));
  CHECK(Read(test, **store)->snapshots.size() == 1);
}

uid_t OwnerOf(const std::string& path) {
  struct stat st {};
  REQUIRE(lstat(path.c_str(), &st) == 0);
  return st.st_gid == st.st_uid ? st.st_uid : ~uid_t{0};
}

TEST_CASE("what root makes in a store belongs to whom the store belongs to") {
  if (geteuid() != 0) SKIP("needs root");
  constexpr uid_t kSidecar = 65534;
  TestContext test;
  const std::string home = test.Path("home");
  REQUIRE(test.fs().MakeDirs(home, kPrivateDirMode).ok());
  REQUIRE(chown(home.c_str(), kSidecar, kSidecar) == 0);
  const std::string dir = JoinPath(home, "store");
  const auto store = LocalStore::Open(test.context(), dir);
  REQUIRE((*store)->TakeOwnership().ok());
  const Manifest manifest = MakeManifest(20);
  Seal(test, **store, manifest);
  REQUIRE((*store)
              ->UpdateChecks(manifest.name, [](Checks& checks) { checks.FoundRight(WallTime(1s)); })
              .ok());
  const auto report = [](const auto&) { return std::string("{}"); };
  REQUIRE((*store)->AddDrillReport(manifest.name, manifest.taken, report).ok());
  const auto mark = (*store)->MarkDrill("begun");
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(home)) {
    INFO(entry.path());
    CHECK(OwnerOf(entry.path()) == kSidecar);
    ++files;
  }
  CHECK(files >= 12);
  // A lock of root from before this was so.
  const std::string lock = JoinPath(dir, "drills/.lock");
  REQUIRE(chown(lock.c_str(), 0, 0) == 0);
  REQUIRE((*store)->AddDrillReport(manifest.name, manifest.taken, report).ok());
  CHECK(OwnerOf(lock) == kSidecar);
  // Nothing else is given away.
  REQUIRE(test.fs().MakeDirs(JoinPath(home, "store2"), kPrivateDirMode).ok());
  REQUIRE(WriteFileDurably(test.fs(), JoinPath(home, "x.db"), "bytes").ok());
  for (const char* name : {"store2", "x.db"}) CHECK(OwnerOf(JoinPath(home, name)) == 0);
}

TEST_CASE("a name that is taken leaves the file for another name") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  Seal(test, **store, MakeManifest(20));
  auto file = DurableFile::Create(test.fs(), (*store)->StagingPath());
  REQUIRE(file->Append("bytes").ok());
  const Status taken = (*store)->Seal(*file, MakeManifest(20));
  REQUIRE_FALSE(taken.ok());
  CHECK(ReasonOf(taken) == Reason::kAlreadyExists);
  CHECK((*store)->Seal(*file, MakeManifest(21)).ok());
  CHECK(Read(test, **store)->snapshots.size() == 2);
}

TEST_CASE("what a living writer has under way is not swept") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  auto file = DurableFile::Create(test.fs(), (*store)->StagingPath());
  REQUIRE(file->Append("bytes").ok());
  const auto owner = LocalStore::Open(test.context(), test.Path("store"));
  REQUIRE((*owner)->TakeOwnership().ok());
  CHECK((*store)->Seal(*file, MakeManifest(20)).ok());
  CHECK(Read(test, **owner)->snapshots.size() == 1);
}

TEST_CASE("an owner follows its path, and owns what it leads to") {
  TestContext test;
  const std::string dir = test.Path("store");
  const std::string away = test.Path("away");
  const auto store = LocalStore::Open(test.context(), dir);
  REQUIRE((*store)->TakeOwnership().ok());
  Seal(test, **store, MakeManifest(20));
  const auto another_owns = [&](const std::string& path) {
    const auto other = LocalStore::Open(test.context(), path);
    return other.ok() && ReasonOf((*other)->TakeOwnership()) == Reason::kBusy;
  };
  SECTION("the directory is moved away, and back") {
    REQUIRE(test.fs().Rename(dir, away).ok());
    CHECK(Read(test, **store)->snapshots.empty());
    CHECK(another_owns(dir));
    Seal(test, **store, MakeManifest(30));
    REQUIRE(test.fs().RemoveAll(dir).ok());
    REQUIRE(test.fs().Rename(away, dir).ok());
    CHECK(Read(test, **store)->snapshots.at(0).manifest.revision == 20);
    CHECK(another_owns(dir));
  }
  SECTION("another has taken the place meanwhile") {
    REQUIRE(test.fs().Rename(dir, away).ok());
    {
      const auto other = LocalStore::Open(test.context(), dir);
      REQUIRE((*other)->TakeOwnership().ok());
      CHECK(ReasonOf(Read(test, **store).status()) == Reason::kBusy);
      CHECK(another_owns(away));
    }
    CHECK(Read(test, **store)->snapshots.empty());
    CHECK(another_owns(dir));
  }
  SECTION("its lock file is replaced") {
    REQUIRE(test.fs().Unlink(JoinPath(dir, ".lock")).ok());
    CHECK(Read(test, **store)->snapshots.size() == 1);
    CHECK(another_owns(dir));
  }
  SECTION("only its folders are gone") {
    REQUIRE(test.fs().RemoveAll(JoinPath(dir, "checks")).ok());
    REQUIRE(test.fs().RemoveAll(JoinPath(dir, "drills")).ok());
    CHECK(Read(test, **store)->snapshots.size() == 1);
    CHECK((*store)->DrillReports()->empty());
  }
  SECTION("nothing can be made there") {
    REQUIRE(test.fs().Rename(dir, away).ok());
    testing::WriteFile(dir, "a file in its place");
    CHECK_THAT(std::string(MessageOf(Read(test, **store).status())),
               Catch::Matchers::ContainsSubstring(dir));
    CHECK(ReasonOf((*store)->Delete("x")) != Reason::kNotFound);
    REQUIRE(test.fs().Unlink(dir).ok());
    REQUIRE(test.fs().Rename(away, dir).ok());
    CHECK(Read(test, **store)->snapshots.size() == 1);
  }
}

TEST_CASE("one owner at a time, and `created` outlives it") {
  TestContext test;
  const std::string dir = test.Path("store");
  WallTime created;
  {
    const auto first = LocalStore::Open(test.context(), dir);
    REQUIRE((*first)->TakeOwnership().ok());
    created = (*first)->created();
    const auto second = LocalStore::Open(test.context(), dir);
    const Status taken = (*second)->TakeOwnership();
    CHECK(ReasonOf(taken) == Reason::kBusy);
    CHECK_THAT(std::string(MessageOf(taken)), Catch::Matchers::ContainsSubstring(fmt::format(
                                                  "process {} on {}", ProcessId(), HostName())));
  }
  const auto again = LocalStore::Open(test.context(), dir);
  CHECK((*again)->TakeOwnership().ok());
  CHECK((*again)->created() == created);
}

TEST_CASE("a deleted snapshot is gone; one in use stays") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  Seal(test, **store, MakeManifest(20));
  const std::string name = Read(test, **store)->snapshots.at(0).manifest.name;
  {
    const auto elsewhere = LocalStore::Open(test.context(), test.Path("store"));
    const auto use = (*elsewhere)->Use(name);
    const auto again = (*store)->Use(name);
    REQUIRE(use.ok());
    REQUIRE(again.ok());
    CHECK(ReasonOf((*store)->Delete(name)) == Reason::kBusy);
    CHECK(Read(test, **store)->snapshots.size() == 1);
  }
  CHECK((*store)->Delete(name).ok());
  CHECK(Read(test, **store)->snapshots.empty());
  CHECK_FALSE(test.fs().Exists((*store)->SnapshotPath(name)));
  CHECK(ReasonOf((*store)->Delete(name)) == Reason::kNotFound);
  CHECK(ReasonOf((*store)->Use(name).status()) == Reason::kNotFound);
}

TEST_CASE("a store is owned by one, or by those that take turns") {
  TestContext test;
  const std::string dir = test.Path("store");
  const auto open = [&] { return *LocalStore::Open(test.context(), dir); };
  const auto first = open();
  const auto second = open();
  REQUIRE(first->TakeOwnership(Ownership::kShared).ok());
  CHECK(second->TakeOwnership(Ownership::kShared).ok());
  CHECK(ReasonOf(open()->TakeOwnership()) == Reason::kBusy);
}

TEST_CASE("who shares a store leaves alone what another may be writing") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  const std::string part = (*store)->StagingPath();
  testing::WriteFile(part, "half");
  REQUIRE((*store)->TakeOwnership(Ownership::kShared).ok());
  CHECK(test.fs().Exists(part));
  std::filesystem::last_write_time(part, std::filesystem::file_time_type::clock::now() - 2h);
  const auto next = LocalStore::Open(test.context(), test.Path("store"));
  REQUIRE((*next)->TakeOwnership(Ownership::kShared).ok());
  CHECK_FALSE(test.fs().Exists(part));
}

TEST_CASE("a deletion that stops half-way leaves no manifest behind, and the next owner ends it") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  Seal(test, **store, MakeManifest(20));
  const std::string name = Read(test, **store)->snapshots.at(0).manifest.name;
  const std::string path = (*store)->SnapshotPath(name);
  REQUIRE(test.fs().Unlink(path).ok());
  REQUIRE(test.fs().MakeDirs(JoinPath(path, "can not be unlinked"), 0700).ok());
  CHECK_FALSE((*store)->Delete(name).ok());
  CHECK(Read(test, **store)->snapshots.empty());
  CHECK(test.fs().Exists(path));
  REQUIRE(test.fs().RemoveAll(path).ok());
  testing::WriteFile(path, "12345");
  REQUIRE((*store)->TakeOwnership().ok());
  CHECK_FALSE(test.fs().Exists(path));
}

TEST_CASE("what was seen of a snapshot later is kept beside it, and goes with it") {
  TestContext test;
  const std::string dir = test.Path("store");
  std::string name;
  const WallTime then = *ParseRfc3339("2026-11-22T08:00:00Z");
  {
    const auto store = LocalStore::Open(test.context(), dir);
    Seal(test, **store, MakeManifest(20));
    name = Read(test, **store)->snapshots.at(0).manifest.name;
    CHECK_FALSE(Read(test, **store)->snapshots.at(0).checks.hashed.has_value());
    REQUIRE((*store)->UpdateChecks(name, [&](Checks& c) { c.hashed = then; }).ok());
    REQUIRE((*store)
                ->UpdateChecks(name, [&](Checks& c) { c.damaged = then + 1h, c.damage = "rotten"; })
                .ok());
    REQUIRE((*store)->UpdateChecks(name, [&](Checks& c) { c.confirmed = then + 2h; }).ok());
  }
  const auto store = LocalStore::Open(test.context(), dir);
  const Checks checks = Read(test, **store)->snapshots.at(0).checks;
  CHECK(checks.hashed == then);
  CHECK(checks.damaged == then + 1h);
  CHECK(checks.damage == "rotten");
  CHECK(checks.confirmed == then + 2h);

  const std::string file = JoinPath(dir, "checks/" + name + ".json");
  CHECK(Read(test, **store)->snapshots.at(0).problem.empty());
  for (const char* torn : {"{", ""}) {
    testing::WriteFile(file, torn);
    CHECK_FALSE(Read(test, **store)->snapshots.at(0).checks.hashed.has_value());
    CHECK(Read(test, **store)->snapshots.at(0).state == SnapshotState::kUnreadable);
  }
  REQUIRE((*store)->Delete(name).ok());
  CHECK_FALSE(test.fs().Exists(file));
  CHECK(ReasonOf((*store)->UpdateChecks(name, [](Checks&) {})) == Reason::kNotFound);
  testing::WriteFile(file, "{}");  // of a deletion that was cut short
  REQUIRE((*store)->TakeOwnership().ok());
  CHECK_FALSE(test.fs().Exists(file));
}

TEST_CASE("the place of a site is remembered once, privately, and is no snapshot") {
  TestContext test;
  {
    const auto store = *LocalStore::Open(test.context(), test.Path("store"));
    CHECK(store->KnownSites()->empty());
    REQUIRE(store->RememberSite("a", "00ff").ok());
    REQUIRE(store->RememberSite("b", "11ff").ok());
    REQUIRE(store->RememberSite("a", "22ff").ok());
  }
  const auto store = *LocalStore::Open(test.context(), test.Path("store"));
  REQUIRE(store->TakeOwnership().ok());  // which sweeps
  CHECK(*store->KnownSites() == LocalStore::SiteIds{{"a", "00ff"}, {"b", "11ff"}});
  const auto listing = store->List();
  CHECK((listing->manifests.empty() && listing->files.empty() && listing->unproven.empty()));
  struct stat file = {};
  REQUIRE(stat(store->KnownSitesPath().c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
}

TEST_CASE("a manifest that can't be read is told of where it speaks for a snapshot") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  Seal(test, **store, MakeManifest(20));
  const std::string name = Read(test, **store)->snapshots.at(0).manifest.name;
  testing::WriteFile(test.Path("store/notes.json"), "somebody's");
  CHECK(Read(test, **store)->lost.empty());
  testing::WriteFile(test.Path("store/" + name + ".json"), "");
  const catalog::Catalog listing = *Read(test, **store);
  CHECK(listing.snapshots.empty());
  REQUIRE(listing.lost.size() == 1);
  CHECK(listing.lost[0].name == name);
  CHECK_THAT(std::string(MessageOf(listing.lost[0].why)),
             Catch::Matchers::ContainsSubstring(name + ".json: not a snapshot manifest"));
}

TEST_CASE("a snapshot without its manifest stays, and is told of until it has one again") {
  TestContext test;
  const std::string dir = test.Path("store");
  Manifest of_others = MakeManifest(7);
  const std::string copied = JoinPath(dir, of_others.name + ".db");
  std::string name;
  {
    const auto store = LocalStore::Open(test.context(), dir);
    Seal(test, **store, MakeManifest(20));
    name = Read(test, **store)->snapshots.at(0).manifest.name;
    REQUIRE((*store)->UpdateChecks(name, [](Checks& c) { c.damage = "rotten"; }).ok());
    REQUIRE(test.fs().Rename(JoinPath(dir, name + ".json"), test.Path("away")).ok());
    testing::WriteFile(copied, "the only copy");
    std::filesystem::last_write_time(copied, std::filesystem::file_time_type::clock::now() - 48h);
  }
  const auto store = LocalStore::Open(test.context(), dir);
  REQUIRE((*store)->TakeOwnership().ok());
  REQUIRE((*store)->Tidy().ok());
  const catalog::Catalog listing = *Read(test, **store);
  CHECK(listing.snapshots.empty());
  REQUIRE(listing.lost.size() == 2);
  CHECK(listing.lost[0].name == of_others.name);
  CHECK(listing.lost[1].name == name);
  CHECK(ReasonOf(listing.lost[1].why) == Reason::kNotProvable);
  CHECK_THAT(
      std::string(MessageOf(listing.lost[1].why)),
      Catch::Matchers::ContainsSubstring(name + ".db: no manifest: " + name + ".json is missing"));
  CHECK(ReasonOf((*store)->Delete(name)) == Reason::kNotFound);
  CHECK(test.fs().Exists((*store)->SnapshotPath(name)));

  REQUIRE(test.fs().Rename(test.Path("away"), JoinPath(dir, name + ".json")).ok());
  CHECK(Read(test, **store)->lost.size() == 1);
  REQUIRE(Read(test, **store)->snapshots.size() == 1);
  CHECK(Read(test, **store)->snapshots.at(0).checks.damage == "rotten");
}

TEST_CASE("what proves that a snapshot is unfinished stays as long as that does") {
  TestContext test;
  const std::string dir = test.Path("store");
  const std::string name = MakeManifest(7).name;
  const std::string part = JoinPath(dir, "." + name + ".json.part");
  const std::string file = JoinPath(dir, name + ".db");
  {
    const auto store = LocalStore::Open(test.context(), dir);
    testing::WriteFile(part, "{}");
    testing::WriteFile(file, "bytes");
    CHECK(Read(test, **store)->lost.empty());
  }
  const auto grow_old = [](const std::string& path) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - 2h);
  };
  const auto store = LocalStore::Open(test.context(), dir);
  grow_old(part);
  REQUIRE((*store)->TakeOwnership(Ownership::kShared).ok());  // the file is too young
  CHECK(test.fs().Exists(part));
  CHECK(test.fs().Exists(file));
  grow_old(file);
  REQUIRE((*store)->Tidy().ok());
  CHECK_FALSE(test.fs().Exists(part));
  CHECK_FALSE(test.fs().Exists(file));
}

TEST_CASE("a snapshot that comes or goes is at no moment one that lost its manifest") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  const auto reader = LocalStore::Open(test.context(), test.Path("store"));
  std::atomic<bool> done = false;
  std::atomic<int> lost = 0;
  std::thread lists([&] {
    catalog::Follower follower(**reader, {});
    while (!done) lost += static_cast<int>((*follower.Refresh(test.context()))->lost.size());
  });
  for (int revision = 1; revision <= 300; ++revision) {
    Seal(test, **store, MakeManifest(revision));
    REQUIRE((*store)->Delete(MakeManifest(revision).name).ok());
  }
  done = true;
  lists.join();
  CHECK(lost == 0);
}

TEST_CASE("a snapshot that is cut or gone is listed with its problem") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  Seal(test, **store, MakeManifest(20));
  const std::string path =
      (*store)->SnapshotPath(Read(test, **store)->snapshots.at(0).manifest.name);
  CHECK(Read(test, **store)->snapshots.at(0).problem.empty());
  testing::WriteFile(path, "1234");
  const catalog::CatalogEntry cut = Read(test, **store)->snapshots.at(0);
  CHECK(cut.state == SnapshotState::kDamaged);
  CHECK_THAT(cut.problem, Catch::Matchers::ContainsSubstring("4 bytes, but 5 were stored"));
  REQUIRE(test.fs().Unlink(path).ok());
  const catalog::CatalogEntry gone = Read(test, **store)->snapshots.at(0);
  CHECK(gone.state == SnapshotState::kUnreadable);
  CHECK_THAT(gone.problem, Catch::Matchers::ContainsSubstring(path));
}

TEST_CASE("the order of snapshots is that of sealing, not that of the clocks") {
  const WallTime now = MakeManifest(1).taken;
  const auto order = [&](std::vector<Manifest> manifests) {
    std::stable_sort(manifests.begin(), manifests.end(),
                     [&](const Manifest& a, const Manifest& b) { return IsOlder(a, b, now); });
    std::string revisions;
    for (const Manifest& m : manifests) revisions += std::to_string(m.revision);
    return revisions;
  };
  const auto made = [](int64_t revision, Duration age, uint64_t place) {
    Manifest m = MakeManifest(revision, age);
    m.place = place;
    return m;
  };
  const Manifest one = made(1, 1h, 1);
  CHECK_FALSE(IsOlder(one, one, now));
  const Duration future = -24h * 400;
  // Of 0.1.0: by time, those from the future first and by their revision.
  CHECK(order({made(4, 1h, 0), made(3, future, 0), made(5, 0s, 0), made(2, 2 * future, 0),
               made(1, 9h, 0)}) == "23145");
  CHECK(order({made(2, -6min, 0), made(1, 9h, 0)}) == "21");
  CHECK(order({made(2, -4min, 0), made(1, 9h, 0)}) == "12");
  // With a place, whatever their times say.
  CHECK(order({made(2, future, 2), made(4, 1h, 4), made(1, 9h, 1), made(3, 24h * 999, 3)}) ==
        "1234");
  CHECK(order({made(2, 9h, 1), made(1, future, 0), made(3, 1h, 1)}) == "123");
}

TEST_CASE("drill reports come back in the order in which they were written") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  std::vector<std::string> seen;
  const auto add = [&](std::string_view snapshot, WallTime finished, const std::string& json) {
    return (*store)->AddDrillReport(
        snapshot, finished, [&](const std::optional<DrillFile>& previous) {
          seen.push_back(previous.has_value() ? previous->json : "none");
          return json;
        });
  };
  const WallTime t = *ParseRfc3339("2026-11-22T08:00:00Z");
  REQUIRE(add("b", t, "first").ok());
  REQUIRE(add("b", t, "second").ok());
  REQUIRE(add("a", t - 100s, "third").ok());
  CHECK(seen == std::vector<std::string>{"none", "first", "second"});
  const auto drills = (*store)->DrillReports();
  REQUIRE(drills.ok());
  REQUIRE(drills->size() == 3);
  CHECK((*drills)[0].name == "b-20261122T080000Z");
  CHECK((*drills)[1].name == "b-20261122T080001Z");
  CHECK((*drills)[2].name == "a-20261122T080002Z");
  CHECK((*drills)[2].json == "third");
}

// As pipeline/drill_report writes it.
std::string Linked(const std::optional<DrillFile>& previous) {
  const std::string name = previous.has_value() ? "{\"name\": \"" + previous->name + "\"}" : "null";
  return "{\"verify\": {}, \"evidence\": {\"tool\": \"x\", \"previous\": " + name + "}}\n";
}

TEST_CASE(
    "a clock that was ahead, or behind, neither pushes names into its time nor hides what comes "
    "later") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  const WallTime t = *ParseRfc3339("2026-11-22T08:00:00Z");
  const Duration lie = GENERATE(as<Duration>{}, 24h * 400, -24h * 400, 24h);
  std::vector<std::string> written;
  const auto add = [&](WallTime finished) {
    const std::string name = "a-" + std::to_string(written.size());
    written.push_back(name);
    REQUIRE((*store)->AddDrillReport(name, finished, Linked).ok());
  };
  add(t);
  add(t + 1h);
  add(t + 2h + lie);
  add(t + 3h + lie);
  add(t + 4h);
  add(t + 5h);
  const auto drills = (*store)->DrillReports();
  REQUIRE(drills.ok());
  std::vector<std::string> names;
  for (const DrillFile& drill : *drills) names.push_back(drill.name.substr(0, 3));
  CHECK(names == written);
  CHECK(drills->back().name == "a-5-20261122T130000Z");
}

TEST_CASE("reports that are gone, or name each other in a circle, lose no other") {
  const auto file = [](const std::string& name, const std::string& json) {
    return DrillFile{.name = name, .json = json, .previous = PreviousDrill(json)};
  };
  const auto named = [&](const std::string& name, const std::string& before) {
    return file(name, Linked(before.empty() ? std::nullopt : std::optional(DrillFile{before, ""})));
  };
  const auto order = [](std::vector<DrillFile> drills) {
    std::string names;
    for (const DrillFile& drill : InOrderOfWriting(std::move(drills))) names += drill.name;
    return names;
  };
  CHECK(order({}).empty());
  CHECK(order({named("a", ""), named("b", "gone"), named("c", "a"), named("d", "b")}) == "acbd");
  CHECK(order({named("a", "b"), named("b", "a"), named("c", "c")}) == "abc");
  CHECK(order({file("a", "no JSON \"evidence\": {"), file("b", "{}"), named("c", "a")}) == "acb");
}

TEST_CASE("a drill that was killed leaves a mark, one that runs or has ended does not") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  const auto dead = [&] {
    std::string texts;
    REQUIRE((*store)
                ->TakeDeadDrills([&](const std::string& text) -> Status {
                  texts += text;
                  return OkStatus();
                })
                .ok());
    return texts;
  };
  {
    const auto mark = (*store)->MarkDrill("one");
    REQUIRE(mark.ok());
    CHECK(dead().empty());  // it runs
  }
  CHECK(dead().empty());  // it has ended
  testing::WriteFile(test.Path("store/drills/.00ff.begun"), "killed");
  const Status failed =
      (*store)->TakeDeadDrills([](const std::string&) { return Error(Reason::kNoSpace, ""); });
  CHECK(ReasonOf(failed) == Reason::kNoSpace);
  CHECK(dead() == "killed");
  CHECK(dead().empty());  // told once
  CHECK((*store)->DrillReports()->empty());
}

TEST_CASE("a file that can't be used is told once for each change of it") {
  TestContext test;
  ToldFiles told;
  const std::string path = test.Path("a.json");
  testing::WriteFile(path, "x");
  CHECK(told.IsNews(test.fs(), path));
  CHECK_FALSE(told.IsNews(test.fs(), path));
  testing::WriteFile(path, "xy");
  CHECK(told.IsNews(test.fs(), path));
  CHECK_FALSE(told.IsNews(test.fs(), path));
  REQUIRE(test.fs().Unlink(path).ok());
  CHECK(told.IsNews(test.fs(), path));
  CHECK_FALSE(told.IsNews(test.fs(), path));
}

TEST_CASE("one who appends a drill report waits for another, but not for ever") {
  TestContext test;
  const auto store = LocalStore::Open(test.context(), test.Path("store"));
  const auto lock = test.context().fs.Lock(test.Path("store/drills/.lock"));
  REQUIRE(lock.ok());
  const Status status = (*store)->AddDrillReport("a", WallTime(), [](const auto&) { return ""; });
  REQUIRE_FALSE(status.ok());
  CHECK(ReasonOf(status) == Reason::kBusy);
}

TEST_CASE("suspects are kept; what is no record of them counts as none kept") {
  TestContext test;
  auto store = LocalStore::Open(test.context(), test.Path("store"));
  REQUIRE(store.ok());
  CHECK_FALSE((*store)->Suspects()->has_value());
  CHECK((*store)->UpdateSuspects([](std::vector<Suspect>&) {}).ok());
  CHECK_FALSE((*store)->Suspects()->has_value());
  const Suspect one{.cluster = "c",
                    .member_id = "8e9e05c52164694d",
                    .endpoint = "https://10.0.0.3:2379",
                    .revision = 4711,
                    .first_revision = 4700,
                    .side = "1f",
                    .found = *ParseRfc3339("2026-11-22T08:00:00Z"),
                    .outvoted = true};
  REQUIRE((*store)->UpdateSuspects([&](std::vector<Suspect>& s) { s.push_back(one); }).ok());
  CHECK(*(*store)->Suspects() == std::vector{one});
  CHECK(Read(test, **store)->lost.empty());  // it is no manifest
  REQUIRE((*store)->UpdateSuspects([](std::vector<Suspect>& s) { s.clear(); }).ok());
  CHECK((*store)->Suspects()->value().empty());
  const std::string text = Dump(ToJson({one}));
  for (size_t length = 0; length < text.size() - 2; ++length) {
    CHECK_FALSE(ParseSuspects(std::string_view(text).substr(0, length)).ok());
  }
  CHECK_FALSE(ParseSuspects(R"({"kind": 1, "members": []})").ok());
  CHECK_FALSE(ParseSuspects(R"({"kind": "Suspects", "members": [{"cluster": "c"}]})").ok());
  CHECK_FALSE(ParseSuspects("[]").ok());
  std::filesystem::remove(test.Path("store/suspects.json"));
  std::filesystem::create_directory(test.Path("store/suspects.json"));  // it can't be read
  CHECK_FALSE((*store)->Suspects().ok());
  CHECK_FALSE((*store)->UpdateSuspects([](std::vector<Suspect>&) {}).ok());
  CHECK(Read(test, **store).ok());
  std::filesystem::remove(test.Path("store/suspects.json"));
  REQUIRE(WriteFileDurably(test.context().fs, test.Path("store/suspects.json"), "rot").ok());
  CHECK(ReasonOf((*store)->Suspects().status()) == Reason::kDamaged);
  CHECK((*store)->UpdateSuspects([](std::vector<Suspect>&) {}).ok());
  CHECK_FALSE((*store)->Suspects().ok());  // nothing was found that could be written in its place
  CHECK((*store)->UpdateSuspects([&](std::vector<Suspect>& s) { s.push_back(one); }).ok());
  CHECK(*(*store)->Suspects() == std::vector{one});
}

TEST_CASE("what names claim") {
  const auto taken = [](std::string_view name) -> std::string {
    const auto claims = store::ClaimsOfName(name);
    return claims.taken.has_value() ? FormatRfc3339(*claims.taken) : "";
  };
  const auto ours = store::ClaimsOfName("prod-00000000000000004711-20261122T080000Z.db");
  CHECK(ours.revision == 4711);
  CHECK(ours.utc);
  CHECK(taken("prod-00000000000000004711-20261122T080000Z.db") == "2026-11-22T08:00:00Z");
  // Of cron jobs, kubeadm guides, k3s and rke2, OpenShift.
  CHECK(taken("etcd-snapshot-2026-11-22_08-00-00.db") == "2026-11-22T08:00:00Z");
  CHECK(taken("snapshot-20261122080000.db") == "2026-11-22T08:00:00Z");
  CHECK(taken("etcd-snapshot-node1-1795334400") == "2026-11-22T08:00:00Z");
  CHECK(taken("snapshot_2026-11-22_080000.db") == "2026-11-22T08:00:00Z");
  CHECK_FALSE(store::ClaimsOfName("etcd-snapshot-2026-11-22_08-00-00.db").utc);
  CHECK(taken("snapshot.db").empty());
  CHECK(taken("etcd-1000000024.db").empty());           // a revision that was bumped
  CHECK(taken("snapshot-20261322080000.db").empty());   // no such month
  CHECK(taken("snapshot-202611220800001.db").empty());  // a digit too many
  CHECK(taken("etcd-2026.db").empty());
}

TEST_CASE("a time in a name counts as UTC only where it says so") {
  const auto utc = [](std::string_view name) -> std::string {
    const auto claims = store::ClaimsOfName(name);
    return claims.utc ? FormatRfc3339(*claims.taken) : "local";
  };
  CHECK(utc("etcd-20261122T080000Z.db") == "2026-11-22T08:00:00Z");
  CHECK(utc("etcd-20261122T080000Z.db.gz") == "2026-11-22T08:00:00Z");
  CHECK(utc("etcd-2026-11-22T08-00-00Z.db") == "2026-11-22T08:00:00Z");
  CHECK(utc("etcd-20261122080000+0000.db") == "2026-11-22T08:00:00Z");
  CHECK(utc("etcd-20261122T080000+0800.db") == "2026-11-22T00:00:00Z");
  CHECK(utc("etcd-20261122T000000-0800.db") == "2026-11-22T08:00:00Z");
  CHECK(utc("etcd-2026-11-22_08:00:00+05:30.db") == "2026-11-22T02:30:00Z");
  CHECK(utc("etcd-snapshot-node1-1795334400") == "2026-11-22T08:00:00Z");
  for (const char* local :
       {"etcd-20261122080000.db", "etcd-2026-11-22_08-00-00.db", "etcd-20261122080000-0001.db",
        "etcd-20261122080000-9900.db", "etcd-20261122080000Zurich.db", "etcd-20261122080000-08.db",
        "etcd-20261122080000-08000.db", "etcd-20261122080000+08:0", "etcd-20261122080000+"}) {
    CHECK(utc(local) == "local");
  }
}

TEST_CASE("a file is from its time of change, or from the UTC time of its name if that is older") {
  const WallTime at8 = *ParseRfc3339("2026-11-22T08:00:00Z");
  CHECK(TakenAt("etcd.db", at8) == at8);
  CHECK(TakenAt("etcd-20261122T070000Z.db", at8) == at8 - 1h);
  CHECK(TakenAt("etcd-20261122T090000Z.db", at8) == at8);
  CHECK(TakenAt("etcd-20261122T070000.db", at8) == at8);  // in whose time?
  CHECK(TakenAt("etcd-20261122T000000-0700.db", at8) == at8 - 1h);
  CHECK(TakenAt("etcd-1795330800.db", at8) == at8 - 1h);
  CHECK(TakenAt("etcd-1795330800.db", at8, 1'795'330'800) == at8);  // named by its revision
  CHECK(TakenAt("etcd-1795330800.db", at8, 1'795'330'850) == at8);
  CHECK(TakenAt("etcd-1795330800.db", at8, 4711) == at8 - 1h);
  CHECK(TakenAt("etcd-1795330800.db", at8, 1'895'330'800) == at8 - 1h);
}

TEST_CASE("whoever asks first for the id of a store, all get the same") {
  for (int round = 0; round < 20; ++round) {
    TestContext test;
    const auto store = *LocalStore::Open(test.context(), test.Path("store"));
    std::vector<std::string> ids(4);
    std::vector<std::thread> threads;
    for (std::string& id : ids) threads.emplace_back([&] { id = store->Id().value_or("refused"); });
    for (std::thread& thread : threads) thread.join();
    CHECK(ids.front().size() == 16);
    CHECK(std::ranges::count(ids, ids.front()) == 4);
  }
}

}  // namespace
}  // namespace etcdrill::store
