// What a round at a site does: what goes there and in which order, what follows it, what goes from
// there, and what of it fails alone.
#include "pipeline/copy_to_site.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "pipeline/drill_copy.h"
#include "pipeline/drill_evidence.h"
#include "pipeline/scrub_copy.h"
#include "sites/layout.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

// A store with a site in a directory. Snapshots are bytes: what is in them nobody looks at here.
struct SiteScene {
  SiteScene() {
    std::filesystem::create_directory(test.Path("site"));
    config.name = "s";
    config.place = config::DirectoryPlace{test.Path("site")};
    config.compress = false;
    Reopen();
  }

  void Reopen() {
    auto opened =
        sites::Site::Open(test.context(), config, signing, meter,
                          objects::RetryLimits{.first_wait_max = 1ms, .give_up_after = 0ms});
    REQUIRE(opened.ok());
    memory.reset();
    site = *std::move(opened);
    memory = std::make_unique<SiteMemory>(*site, "c");
  }

  std::string Add(int64_t revision, Duration age = {}) {
    const std::string bytes = "snapshot " + std::to_string(revision);
    Manifest m;
    m.cluster = "c";
    m.revision = revision;
    m.place = static_cast<uint64_t>(revision);
    m.taken = std::chrono::floor<std::chrono::seconds>(test.clock().Now() - age);
    m.name = store::SnapshotName("c", revision, m.taken);
    m.size_bytes = bytes.size();
    m.sha256 = Hex(Sha256Of(bytes));
    m.verdict = Verdict::kProven;
    auto file = DurableFile::Create(test.fs(), store->StagingPath());
    REQUIRE(file->Append(bytes).ok());
    REQUIRE(store->Seal(*file, m).ok());
    return m.name;
  }

  CopyToSiteOutcome Round() {
    copied.clear();
    deleted.clear();
    return CopyToSite(
        test.context(),
        {.catalog = follower,
         .store = *store,
         .site = *site,
         .memory = *memory,
         .rules = rules,
         .sites_before = sites_before,
         .on_copied = [&](const sites::CopyRecord& r) { copied.push_back(r.manifest.name); },
         .on_deleted = [&](const sites::CopyRecord& r,
                           catalog::Fate) { deleted.push_back(r.manifest.name); }});
  }

  std::string FileOf(const sites::CopyRecord& copy) const {
    return JoinPath(test.Path("site"), copy.key());
  }

  TestContext test;
  std::unique_ptr<store::LocalStore> store =
      *store::LocalStore::Open(test.context(), test.Path("store"));
  catalog::Follower follower{*store, "c"};
  objects::Meter meter;
  config::SiteConfig config;
  config::SigningConfig signing;
  config::Retention rules;  // all stay
  std::vector<std::string> sites_before;
  std::unique_ptr<sites::Site> site;
  std::unique_ptr<SiteMemory> memory;
  std::vector<std::string> copied;
  std::vector<std::string> deleted;
};

TEST_CASE("a site gets what it lacks, the oldest first, and once") {
  SiteScene s;
  const std::string b = s.Add(2, 1h);
  const std::string a = s.Add(1, 2h);
  CopyToSiteOutcome round = s.Round();
  REQUIRE(round.outcome.ok());
  CHECK(s.copied == std::vector{a, b});
  CHECK(round.waiting == 0);
  CHECK(round.contents->catalog.snapshots.size() == 2);
  CHECK(s.Round().outcome.ok());
  CHECK(s.copied.empty());
  // A restart remembers nothing, and finds it all there.
  s.Reopen();
  CHECK(s.Round().outcome.ok());
  CHECK(s.copied.empty());
}

TEST_CASE("a site that is away fails alone, and nothing is lost") {
  SiteScene s;
  const std::string a = s.Add(1);
  std::filesystem::rename(s.test.Path("site"), s.test.Path("away"));
  const CopyToSiteOutcome away = s.Round();
  CHECK(Is(away.outcome, Reason::kBucketMissing));
  CHECK(away.contents == nullptr);
  std::filesystem::rename(s.test.Path("away"), s.test.Path("site"));
  CHECK(s.Round().outcome.ok());
  CHECK(s.copied == std::vector{a});
}

TEST_CASE("an empty directory where the site was is not taken for the site") {
  SiteScene s;
  const std::string a = s.Add(1, 2h);
  REQUIRE(s.Round().outcome.ok());
  const std::string b = s.Add(2, 1h);
  // As an unmounted disk leaves it.
  std::filesystem::rename(s.test.Path("site"), s.test.Path("away"));
  std::filesystem::create_directory(s.test.Path("site"));
  for (const bool restarted : {false, true}) {
    if (restarted) s.Reopen();
    const CopyToSiteOutcome away = s.Round();
    CHECK(Is(away.outcome, Reason::kBucketMissing));
    CHECK_THAT(std::string(MessageOf(away.outcome)),
               Catch::Matchers::ContainsSubstring(s.test.Path("store") + "/.sites"));
    CHECK(away.contents == nullptr);
    CHECK(s.copied.empty());
    CHECK(std::filesystem::is_empty(s.test.Path("site")));
  }
  std::filesystem::remove(s.test.Path("site"));
  std::filesystem::rename(s.test.Path("away"), s.test.Path("site"));
  REQUIRE(s.Round().outcome.ok());
  CHECK(s.copied == std::vector{b});
}

TEST_CASE("another site at the place of the site is refused until the site may begin anew") {
  SiteScene s;
  s.rules.last = 1;
  s.Add(1, 2h);
  REQUIRE(s.Round().outcome.ok());
  const std::string mark = JoinPath(s.test.Path("site"), sites::kStoreKey);
  const std::string b = s.Add(2, 1h);
  for (const char* const text :
       {R"({"apiVersion": "etcdrill/v1", "kind": "SiteStore", "id": "00ff00ff00ff00ff"})", "{}"}) {
    std::filesystem::remove(mark);
    REQUIRE(WriteNewFileDurably(s.test.fs(), mark, text).ok());
    const CopyToSiteOutcome other = s.Round();
    CHECK(Is(other.outcome, Reason::kBucketMissing));
    CHECK((s.copied.empty() && s.deleted.empty()));
  }
  std::filesystem::remove(s.store->KnownSitesPath());
  CHECK(s.Round().outcome.ok());
  CHECK(s.copied == std::vector{b});
}

TEST_CASE("a site that was marked before marks had an id is known by when it was made") {
  SiteScene s;
  const std::string mark = JoinPath(s.test.Path("site"), sites::kStoreKey);
  const auto write = [&](const std::string& created) {
    std::filesystem::remove(mark);
    const std::string text =
        R"({"apiVersion": "etcdrill/v1", "kind": "SiteStore", "created": ")" + created + "\"}";
    REQUIRE(WriteNewFileDurably(s.test.fs(), mark, text).ok());
  };
  write("2026-11-22T09:00:00Z");
  REQUIRE(s.Round().outcome.ok());
  CHECK(s.Round().outcome.ok());
  write("2026-11-23T09:00:00Z");
  CHECK(Is(s.Round().outcome, Reason::kBucketMissing));
}

TEST_CASE("a record of the sites that can't be understood lets nothing be copied or deleted") {
  SiteScene s;
  s.Add(1);
  REQUIRE(s.Round().outcome.ok());
  s.Add(2);
  std::filesystem::remove(s.store->KnownSitesPath());
  REQUIRE(WriteNewFileDurably(s.test.fs(), s.store->KnownSitesPath(), R"({"s": "1",})").ok());
  CHECK(Is(s.Round().outcome, Reason::kDamaged));
  CHECK(s.copied.empty());
}

TEST_CASE("a second site that leads to the place of the first one is refused") {
  SiteScene s;
  s.Add(1);
  REQUIRE(s.Round().outcome.ok());
  std::filesystem::create_directory_symlink(s.test.Path("site"), s.test.Path("link"));
  s.config.name = "second";
  s.config.place = config::DirectoryPlace{s.test.Path("link")};
  s.Reopen();
  s.sites_before = {"s"};
  CHECK(Is(s.Round().outcome, Reason::kConfig));
  // The one site under another name is no second one.
  s.sites_before = {};
  CHECK(s.Round().outcome.ok());
}

TEST_CASE("a file that was changed in the store is not copied, and keeps no other from it") {
  SiteScene s;
  const std::string a = s.Add(1, 2h);
  const std::string b = s.Add(2, 1h);
  std::filesystem::resize_file(s.store->SnapshotPath(a), 3);
  std::filesystem::resize_file(s.store->SnapshotPath(a), 10);
  const CopyToSiteOutcome round = s.Round();
  CHECK(Is(round.outcome, Reason::kDamaged));
  CHECK(s.copied == std::vector{b});
  // The store knows it from now on, and nobody waits for it any more.
  CHECK(round.waiting == 0);
  const auto stored = *s.follower.Refresh(s.test.context());
  CHECK(stored->snapshots.front().state == SnapshotState::kDamaged);
}

TEST_CASE("that the source held nothing newer is told at the site, too") {
  SiteScene s;
  const std::string a = s.Add(1, 2h);
  REQUIRE(s.Round().outcome.ok());
  const WallTime confirmed = std::chrono::floor<std::chrono::seconds>(s.test.clock().Now());
  REQUIRE(s.store->UpdateChecks(a, [&](Checks& c) { c.confirmed = confirmed; }).ok());
  const CopyToSiteOutcome round = s.Round();
  REQUIRE(round.outcome.ok());
  CHECK(round.contents->catalog.snapshots.front().checks.confirmed == confirmed);
}

TEST_CASE("what was found of the file in the store is not said of the copy") {
  SiteScene s;
  const std::string a = s.Add(1);
  REQUIRE(s.Round().outcome.ok());
  const WallTime now = s.test.clock().Now();
  REQUIRE(s.store->UpdateChecks(a, [&](Checks& c) { c.FoundDamaged(now, "a bit"); }).ok());
  const CopyToSiteOutcome round = s.Round();
  REQUIRE(round.outcome.ok());
  CHECK(round.contents->catalog.snapshots.front().state == SnapshotState::kUntested);
}

TEST_CASE("the rules of the site take from the site, never its newest") {
  SiteScene s;
  const std::string a = s.Add(1, 3h);
  const std::string b = s.Add(2, 2h);
  REQUIRE(s.Round().outcome.ok());
  s.rules.last = 1;
  const CopyToSiteOutcome round = s.Round();
  REQUIRE(round.outcome.ok());
  CHECK(s.deleted == std::vector{a});
  REQUIRE(round.contents->records.size() == 1);
  CHECK(round.contents->records.begin()->second.manifest.name == b);
  CHECK(s.Round().outcome.ok());
  CHECK(s.copied.empty());  // what would go at once does not come
}

TEST_CASE("drill reports follow the snapshots that they are about") {
  SiteScene s;
  const std::string a = s.Add(1);
  DrillReport report = FailedAtOnce({.snapshot = a}, s.test.clock().Now(), s.test.clock().Now(),
                                    Error(Reason::kNoSpace, "full"));
  REQUIRE(KeepReport(*s.store, report, store::IfRefused::kForget).ok());
  REQUIRE(s.Round().outcome.ok());
  const std::string writer = *s.store->Id();
  const auto reports = [&] {
    const std::filesystem::path dir = JoinPath(s.test.Path("site"), "drills/" + writer);
    return std::distance(std::filesystem::directory_iterator(dir), {});
  };
  // The report was there before the copy; it follows in the next round at the latest.
  REQUIRE(s.Round().outcome.ok());
  CHECK(reports() == 1);
}

TEST_CASE("bytes that changed at the site are found by a scrub, and said there") {
  SiteScene s;
  s.Add(1);
  CopyToSiteOutcome round = s.Round();
  REQUIRE(round.outcome.ok());
  const sites::CopyRecord copy = round.contents->records.begin()->second;
  const auto scrub = [&] {
    return ScrubCopy(s.test.context(), *s.site, copy, round.contents->catalog.snapshots.front(),
                     *s.store);
  };
  CHECK(scrub().bytes.ok());
  // Same size: only the bytes tell.
  std::filesystem::permissions(s.FileOf(copy), std::filesystem::perms::owner_all);
  std::filesystem::resize_file(s.FileOf(copy), copy.size_bytes - 1);
  std::filesystem::resize_file(s.FileOf(copy), copy.size_bytes);
  const ScrubOutcome damaged = scrub();
  CHECK(Is(damaged.bytes, Reason::kDamaged));
  CHECK(damaged.recorded.ok());
  round = s.Round();
  // The store still has the bytes, so the site has got them again.
  CHECK(s.copied.size() == 1);
  CHECK(std::ranges::count(round.contents->catalog.snapshots, SnapshotState::kDamaged,
                           &catalog::CatalogEntry::state) == 1);
}

TEST_CASE("an encrypted copy is no failure of a drill without an identity, and no pass") {
  SiteScene s;
  s.Add(1);
  std::filesystem::create_directory(s.test.Path("keys"));
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string recipients = s.test.Path("keys/recipients.txt");
  REQUIRE(WriteNewFileDurably(s.test.fs(), recipients, identity.recipient().Text() + "\n").ok());
  s.config.encrypt = config::SiteEncryption{.recipients_file = recipients, .identity_file = ""};
  s.Reopen();
  const CopyToSiteOutcome round = s.Round();
  REQUIRE(round.outcome.ok());
  const sites::CopyRecord copy = round.contents->records.begin()->second;
  CHECK(copy.encoding.age);
  const StoredDrill drill = DrillCopy(
      s.test.context(),
      {.site = *s.site, .copy = copy, .config = {.scratch_dir = s.test.Path("scratch")}}, *s.store);
  CHECK(Is(drill.report.outcome, Reason::kNoIdentity));
  CHECK(drill.report.verdict() == Verdict::kNotProvable);
  CHECK(drill.report.level_reached() == 0);
  CHECK(std::filesystem::is_empty(s.test.Path("scratch")));
  // It stands in the store as what it is, and speaks for no snapshot of the store.
  CHECK((*s.follower.Refresh(s.test.context()))->drills.empty());
  CHECK(s.store->DrillNames()->size() == 1);
}

}  // namespace
}  // namespace etcdrill::pipeline
