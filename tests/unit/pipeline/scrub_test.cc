// Which snapshots are hashed again, at which pace, and what is found.
#include "pipeline/scrub.h"

#include "base/bytes.h"
#include "catalog/scrub_plan.h"
#include "crypto/hash.h"
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
    etcdrill::testing::WriteFile(path, content);
    manifest.size_bytes = content.size();
    Sha256 sum;
    sum.Update(content);
    manifest.sha256 = Hex(sum.Finish());
  }
  Status Hash(uint64_t bytes_per_second = uint64_t{1} << 40) {
    const Context c{
        test.fs(),          clock,           test.context().random, test.context().processes,
        test.context().log, stop.get_token()};
    return HashAgain(c, path, manifest, bytes_per_second);
  }
  TestContext test;
  etcdrill::testing::FakeClock clock{kNow};
  std::stop_source stop;
  std::string content = std::string(3'000'000, 'x');
  const std::string path = test.Path("a.db");
  Manifest manifest;
};

TEST_CASE("rot is found: a bit, a byte too few") {
  StoredFile stored;
  CHECK(stored.Hash().ok());
  SECTION("a bit") { stored.content[2'999'999] ^= 1; }
  SECTION("a byte too few") { stored.content.pop_back(); }
  etcdrill::testing::WriteFile(stored.path, stored.content);
  CHECK(ReasonOf(stored.Hash()) == Reason::kDamaged);
}

TEST_CASE("a file that is gone is no damage") {
  StoredFile stored;
  REQUIRE(stored.test.fs().Unlink(stored.path).ok());
  CHECK(ReasonOf(stored.Hash()) == Reason::kNotFound);
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
