// The common damages: none is ever called proven, and each has its name.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "format/bbolt/database.h"
#include "proof/finding_codes.h"
#include "support/catch.h"
#include "support/findings.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill {
namespace {

using etcdrill::testing::VerifyFile;
using testing::HasFinding;
using testing::ReadFile;
using testing::SnapshotPath;
using testing::TestContext;
using testing::WithRightTrailer;

constexpr size_t kPage = 4096;

verify::VerifyReport Report(TestContext& test, std::string_view bytes) {
  const std::string path = test.Path("snapshot.db");
  testing::WriteFile(path, bytes);
  auto report = VerifyFile(test.context(), path);
  REQUIRE(report.ok());
  return *std::move(report);
}

// Where the pages of the `key` bucket lie: its root (a branch) and its first leaf. Others may be
// free, and free pages may hold anything.
struct KeyPages {
  explicit KeyPages(TestContext& test, const std::string& path) {
    const auto image = testing::OpenFile(test.context(), path);
    const bbolt::Database& database = **image.RequireDatabase();
    const auto find_branch = [&](const bbolt::Pair& pair) {
      if (pair.key == "key") branch = LoadLE64(pair.value.data()) * kPage;
    };
    bbolt::EachPair root(find_branch);
    REQUIRE(database.WalkRoot(root).ok());
    REQUIRE(database
                .ForEachPair("key", {},
                             [&](const bbolt::Pair& pair) {
                               if (leaf == 0) leaf = pair.page * kPage;
                             })
                .ok());
    REQUIRE(branch > 0);
    REQUIRE(leaf > 0);
  }

  size_t branch = 0;
  size_t leaf = 0;
};

std::string Good() { return ReadFile(SnapshotPath("e3530-compacted")); }

TEST_CASE("an empty file") {
  TestContext test;
  const auto report = Report(test, "");
  CHECK(report.verdict() == Verdict::kDamaged);
  CHECK(report.levels[Level::kPresent] == LevelResult::kFail);
  CHECK(HasFinding(report.findings, codes::kEmptyFile));
}

TEST_CASE("garbage") {
  TestContext test;
  std::string bytes(GENERATE(as<size_t>{}, 1, 32, 511, 544, 4096, 100'000), '\x8a');
  const auto report = Report(test, bytes);
  CHECK(report.verdict() == Verdict::kDamaged);
  CHECK(HasFinding(report.findings, codes::kMetaInvalid));
}

TEST_CASE("a file that was cut, anywhere") {
  TestContext test;
  const std::string good = Good();
  const size_t size = GENERATE_COPY(take(30, random(size_t{1}, good.size() - 33)));
  CAPTURE(size);
  CHECK(Report(test, good.substr(0, size)).verdict() == Verdict::kDamaged);
}

TEST_CASE("a file without its trailer can't be proven, but nothing is wrong with it") {
  TestContext test;
  const std::string good = Good();
  const auto report = Report(test, good.substr(0, good.size() - 32));
  CHECK(report.verdict() == Verdict::kNotProvable);
  CHECK(report.levels[Level::kTransfer] == LevelResult::kUnknown);
  CHECK(report.levels[Level::kKeyspace] == LevelResult::kPass);
  CHECK(HasFinding(report.findings, codes::kTrailerMissing));
}

TEST_CASE("a manifest tells of a change, and proves no bytes that nothing vouched for") {
  TestContext test;
  const std::string good = Good();
  const std::string bytes = good.substr(0, good.size() - 32);
  const std::string sha256 = Report(test, bytes).sha256;
  const std::string path = test.Path("snapshot.db");
  const auto same =
      VerifyFile(test.context(), path, {.expected = verify::ExpectedBytes{bytes.size(), sha256}});
  REQUIRE(same.ok());
  CHECK(same->verdict() == Verdict::kNotProvable);
  const auto other =
      VerifyFile(test.context(), path, {.expected = verify::ExpectedBytes{bytes.size(), "00"}});
  REQUIRE(other.ok());
  CHECK(other->verdict() == Verdict::kDamaged);
  CHECK(HasFinding(other->findings, codes::kManifestMismatch));
}

TEST_CASE("any flipped bit of a file with a trailer") {
  TestContext test;
  std::string bytes = Good();
  const size_t bit = GENERATE_COPY(take(200, random(size_t{0}, bytes.size() * 8 - 1)));
  CAPTURE(bit);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  const auto report = Report(test, bytes);
  CHECK(report.verdict() == Verdict::kDamaged);
  CHECK(report.levels[Level::kTransfer] == LevelResult::kFail);
}

TEST_CASE("a flipped bit without a trailer is damaged or not provable, never proven") {
  TestContext test;
  std::string bytes = Good();
  bytes.resize(bytes.size() - 32);
  const size_t bit = GENERATE_COPY(take(200, random(size_t{0}, bytes.size() * 8 - 1)));
  CAPTURE(bit);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  CHECK(Report(test, bytes).verdict() != Verdict::kProven);
}

TEST_CASE("structural damage is found without the help of the trailer") {
  TestContext test;
  std::string bytes = Good();
  const KeyPages pages(test, SnapshotPath("e3530-compacted"));
  const size_t leaf = pages.leaf;
  const size_t branch = pages.branch;

  SECTION("a zeroed page") {
    const size_t page = GENERATE_COPY(leaf, branch);
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(page), kPage, '\0');
    const auto report = Report(test, WithRightTrailer(bytes));
    CHECK(report.verdict() == Verdict::kDamaged);
    CHECK(report.levels[Level::kTransfer] == LevelResult::kPass);
    CHECK(HasFinding(report.findings, codes::kPageIdMismatch));
  }
  SECTION("a page of the wrong type") {
    bytes[leaf + 8] = GENERATE('\x00', '\x01', '\x04', '\x10', '\x03');
    const auto report = Report(test, WithRightTrailer(bytes));
    CHECK(report.verdict() == Verdict::kDamaged);
    CHECK(report.levels[Level::kStructure] == LevelResult::kFail);
  }
  SECTION("two pages that changed places") {
    const auto at = [&](size_t offset) { return bytes.begin() + static_cast<ptrdiff_t>(offset); };
    std::swap_ranges(at(leaf), at(leaf + kPage), at(branch));
    CHECK(Report(test, WithRightTrailer(bytes)).verdict() == Verdict::kDamaged);
  }
  SECTION("one damaged meta page, which bbolt survives without a word") {
    const size_t meta = GENERATE(size_t{0}, kPage);
    bytes[meta + 16 + 40] ^= 1;
    const auto report = Report(test, WithRightTrailer(bytes));
    CHECK(report.verdict() == Verdict::kDamaged);
    CHECK(HasFinding(report.findings, codes::kMetaDamaged));
  }
  SECTION("a row whose value does not decode") {
    // The value of the last element of a leaf of the `key` bucket ends the page's data; its first
    // byte is a field tag.
    const auto count = static_cast<size_t>(static_cast<unsigned char>(bytes[leaf + 10]));
    REQUIRE(count > 0);
    const size_t element = leaf + 16;
    const size_t value = element + LoadLE32(&bytes[element + 4]) + LoadLE32(&bytes[element + 8]);
    bytes[value] = '\x07';  // wire type 7 does not exist
    const auto report = Report(test, WithRightTrailer(bytes));
    CHECK(report.verdict() == Verdict::kDamaged);
    CHECK(report.levels[Level::kKeyspace] == LevelResult::kFail);
    CHECK(HasFinding(report.findings, codes::kKeyValueDecode));
  }
}

TEST_CASE("a file under a .part name is unfinished, unless it is our own") {
  TestContext test;
  const std::string path = test.Path("snapshot.db.part");
  testing::WriteFile(path, Good());
  CHECK(VerifyFile(test.context(), path)->verdict() == Verdict::kDamaged);
  CHECK(VerifyFile(test.context(), path, {.staged = true})->verdict() == Verdict::kProven);
}

TEST_CASE("a file that is not there is an error, not a finding") {
  TestContext test;
  const auto report = VerifyFile(test.context(), test.Path("missing.db"));
  REQUIRE_FALSE(report.ok());
  CHECK(ReasonOf(report.status()) == Reason::kNotFound);
}

}  // namespace
}  // namespace etcdrill
