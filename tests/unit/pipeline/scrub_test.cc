// Which snapshots are hashed again, at which pace, and what is found.
#include "pipeline/scrub.h"

#include "base/bytes.h"
#include "catalog/follower.h"
#include "catalog/plans.h"
#include "crypto/hash.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

const WallTime kNow = *ParseRfc3339("2026-11-22T12:00:00Z");
constexpr Duration kPeriod = 7 * 24h;

catalog::CatalogEntry Entry(const std::string& name, Duration age,
                            std::optional<Duration> hashed = std::nullopt) {
  catalog::CatalogEntry entry;
  entry.manifest.name = name;
  entry.manifest.taken = kNow - age;
  if (hashed.has_value()) entry.checks.hashed = kNow - *hashed;
  return entry;
}

std::string Plan(std::vector<catalog::CatalogEntry> entries) {
  catalog::Catalog catalog;
  catalog.snapshots = std::move(entries);
  std::string names;
  for (const catalog::CatalogEntry* entry : catalog::PlanScrub(catalog, kPeriod, kNow))
    names += entry->manifest.name;
  return names;
}

TEST_CASE("due is what was not hashed for half a period, the longest waiting first") {
  CHECK(Plan({}).empty());
  CHECK(Plan({Entry("a", 3 * 24h), Entry("b", 1h)}).empty());
  CHECK(Plan({Entry("a", 4 * 24h), Entry("b", 5 * 24h), Entry("c", 3 * 24h)}) == "ba");
  CHECK(Plan({Entry("a", 90 * 24h, 1h), Entry("b", 90 * 24h, 4 * 24h)}) == "b");
  CHECK(Plan({Entry("a", 4 * 24h, -1h)}) ==
        "a");  // hashed in the future, by a clock that was wrong
}

TEST_CASE("what was found damaged is hashed again within the hour") {
  catalog::CatalogEntry failed = Entry("a", 90 * 24h);
  failed.state = SnapshotState::kDamaged;
  CHECK(Plan({failed}) == "a");
  failed.checks.FoundDamaged(kNow - 59min, "a bit");
  CHECK(Plan({failed}).empty());
  failed.checks.FoundDamaged(kNow, "a bit");     // the next time
  CHECK(failed.checks.damaged == kNow - 59min);  // quarantine counts from the first
  failed.checks.hashed = kNow - 1h;
  CHECK(Plan({failed}).empty());
  failed.checks.rehashed.reset();  // as 0.1.0 wrote it
  CHECK(Plan({failed}) == "a");
  failed.checks = {};
  failed.checks.FoundDamaged(kNow - 1h, "a bit");
  CHECK(Plan({failed}) == "a");
  failed.manifest.verdict = Verdict::kDamaged;  // from the start
  CHECK(Plan({failed}).empty());
}

TEST_CASE("what is cut is recorded at once, what is out of reach is looked at each time") {
  catalog::CatalogEntry entry = Entry("a", 1h);
  entry.problem = "cut";
  entry.state = SnapshotState::kDamaged;
  CHECK(Plan({entry}) == "a");
  entry.checks.FoundDamaged(kNow - 59min, "cut");
  CHECK(Plan({entry}).empty());
  entry.state = SnapshotState::kUnreadable;
  CHECK(Plan({entry}) == "a");
}

struct StoredFile {
  StoredFile() {
    Manifest& manifest = entry.manifest;
    manifest.name = store::SnapshotName("c", 1, kNow);
    manifest.taken = kNow;
    manifest.size_bytes = content.size();
    manifest.sha256 = Hex(Sha256Of(content));
    auto file = DurableFile::Create(test.fs(), store->StagingPath());
    REQUIRE(file->Append(content).ok());
    REQUIRE(store->Seal(*file, manifest).ok());
    path = store->SnapshotPath(manifest.name);
  }
  ScrubOutcome Scrub(uint64_t bytes_per_second = uint64_t{1} << 40) {
    const Context c{
        test.fs(),          clock,           test.context().random, test.context().processes,
        test.context().log, stop.get_token()};
    return ScrubSnapshot(c, entry, bytes_per_second, *store);
  }
  Status Hash(uint64_t bytes_per_second = uint64_t{1} << 40) {
    return Scrub(bytes_per_second).bytes;
  }
  Checks Kept() const {
    return catalog::ReadCatalog(test.context(), *store)->snapshots.at(0).checks;
  }
  TestContext test;
  etcdrill::testing::FakeClock clock{kNow};
  std::stop_source stop;
  std::string content = std::string(3'000'000, 'x');
  std::unique_ptr<store::LocalStore> store =
      *store::LocalStore::Open(test.context(), test.Path("store"));
  std::string path;
  catalog::CatalogEntry entry;
};

TEST_CASE("rot is found: a bit, a byte too few") {
  StoredFile stored;
  CHECK(stored.Hash().ok());
  SECTION("a bit") { stored.content[2'999'999] ^= 1; }
  SECTION("a byte too few") { stored.content.pop_back(); }
  etcdrill::testing::WriteFile(stored.path, stored.content);
  const ScrubOutcome found = stored.Scrub();
  CHECK(ReasonOf(found.bytes) == Reason::kDamaged);
  CHECK(found.recorded.ok());
  CHECK(stored.Kept().damaged == kNow);
}

TEST_CASE("a file that has its right bytes again is news, once") {
  StoredFile stored;
  CHECK_FALSE(stored.Scrub().right_again);
  CHECK(stored.Kept().hashed == kNow);
  stored.entry.checks.FoundDamaged(kNow, "a bit");
  REQUIRE(stored.store
              ->UpdateChecks(stored.entry.manifest.name,
                             [&](Checks& checks) { checks = stored.entry.checks; })
              .ok());
  CHECK(stored.Scrub().right_again);
  CHECK_FALSE(stored.Kept().damaged.has_value());
}

TEST_CASE("a file that is gone is no damage") {
  StoredFile stored;
  REQUIRE(stored.test.fs().Unlink(stored.path).ok());
  const ScrubOutcome found = stored.Scrub();
  CHECK(ReasonOf(found.bytes) == Reason::kNotFound);
  CHECK(found.recorded.ok());
  CHECK_FALSE(stored.Kept().damaged.has_value());
  etcdrill::testing::WriteFile(stored.path, stored.content);
  CHECK(stored.Hash().ok());
}

TEST_CASE("reading keeps to its rate, and ends when asked to") {
  StoredFile stored;
  CHECK(stored.Hash(1'000'000).ok());
  CHECK(stored.clock.passed() == 3s);
  stored.clock.At(4s, [&] { stored.stop.request_stop(); });
  CHECK(ReasonOf(stored.Hash(1'000'000)) == Reason::kInterrupted);
}

}  // namespace
}  // namespace etcdrill::pipeline
