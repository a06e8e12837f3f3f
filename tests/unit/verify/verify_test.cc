// What the levels of a report say: what was looked at, what was not, and what could not be.
#include "verify/verify.h"

#include "proof/finding_codes.h"
#include "support/catch.h"
#include "support/findings.h"
#include "support/memory_file_system.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::verify {
namespace {

using etcdrill::testing::HasFinding;
using etcdrill::testing::MemoryFileSystem;
using etcdrill::testing::ReadFile;
using etcdrill::testing::SnapshotPath;
using etcdrill::testing::TestContext;
using etcdrill::testing::VerifyFile;
using etcdrill::testing::WithRightTrailer;
using enum LevelResult;

constexpr size_t kTrailerBytes = 32;

std::string Sound() { return ReadFile(SnapshotPath("e36-compacted")); }

// A file system of one file, and what is found of that.
struct Examined {
  explicit Examined(std::string content) : bytes(std::move(content)) { fs.Serve(bytes); }

  VerifyReport Verify(const VerifyInput& input = {}, const std::string& name = "snapshot.db") {
    const Context& real = test.context();
    const Context context{fs, real.clock, real.random, real.processes, real.log, real.stop};
    auto report = VerifyFile(context, name, input);
    REQUIRE(report.ok());
    return *std::move(report);
  }

  std::string bytes;
  TestContext test;
  MemoryFileSystem fs;
};

std::vector<LevelResult> LevelsOf(const VerifyReport& report) {
  return {report.levels[Level::kPresent], report.levels[Level::kTransfer],
          report.levels[Level::kStructure], report.levels[Level::kKeyspace]};
}

TEST_CASE("a sound snapshot passes what is asked of it, and is proven by all of it") {
  Examined file(Sound());
  const VerifyReport whole = file.Verify();
  CHECK(LevelsOf(whole) == std::vector{kPass, kPass, kPass, kPass});
  CHECK(whole.verdict() == Verdict::kProven);
  CHECK(whole.keyspace->total_bytes == file.bytes.size() - kTrailerBytes);
  const VerifyReport two = file.Verify({.level = Level::kStructure});
  CHECK(LevelsOf(two) == std::vector{kPass, kPass, kPass, kSkipped});
  CHECK(two.verdict() == Verdict::kNotProvable);
  CHECK_FALSE(two.keyspace.has_value());
  const VerifyReport one = file.Verify({.level = Level::kTransfer});
  CHECK(LevelsOf(one) == std::vector{kPass, kPass, kSkipped, kSkipped});
  CHECK(one.verdict() == Verdict::kNotProvable);
}

TEST_CASE("what is damaged in its structure has a keyspace that nobody knows") {
  std::string bytes = Sound();
  std::fill(bytes.begin(), bytes.begin() + 2 * 4096, '\0');  // both metas
  bytes[16] = 1;                                             // and nothing that is known
  const VerifyReport report = Examined(bytes).Verify();
  CHECK(LevelsOf(report) == std::vector{kPass, kFail, kFail, kUnknown});
  CHECK(report.verdict() == Verdict::kDamaged);
}

TEST_CASE("a file that is empty, or has the name of an unfinished one, is not there") {
  const VerifyReport empty = Examined("").Verify();
  CHECK(empty.levels[Level::kPresent] == kFail);
  CHECK(empty.verdict() == Verdict::kDamaged);
  CHECK(HasFinding(empty.findings, codes::kEmptyFile));
  Examined file(Sound());
  const VerifyReport partial = file.Verify({}, "snapshot.db.part");
  CHECK(partial.levels[Level::kPresent] == kFail);
  CHECK(partial.verdict() == Verdict::kDamaged);
  CHECK(file.Verify({.staged = true}, "snapshot.db.part").verdict() == Verdict::kProven);
}

TEST_CASE("what is something else is not understood, and not damaged") {
  const VerifyReport report = Examined("\x1f\x8b\x08" + std::string(9000, 'x')).Verify();
  CHECK(LevelsOf(report) == std::vector{kPass, kUnknown, kUnknown, kUnknown});
  CHECK(report.verdict() == Verdict::kNotProvable);
  CHECK(report.foreign == snapshot::Foreign::kGzip);
  CHECK_THAT(report.Cause(), Catch::Matchers::ContainsSubstring("gzip"));
}

TEST_CASE("bytes before the trailer that are in no page are told, and counted") {
  std::string bytes = Sound();
  bytes.insert(bytes.size() - kTrailerBytes, std::string(8192, '\0'));
  const VerifyReport report = Examined(WithRightTrailer(bytes)).Verify();
  CHECK(report.verdict() == Verdict::kProven);
  REQUIRE(HasFinding(report.findings, codes::kFileTooLong));
  CHECK_THAT(report.findings.kept().front().text,
             Catch::Matchers::StartsWith("8192 bytes are between"));
}

TEST_CASE(
    "a file that somebody writes to while it is examined proves nothing, of which nothing else is "
    "told") {
  Examined file(Sound());
  file.Verify();
  const uint64_t reads = file.fs.reads();
  for (uint64_t after = 0; after < reads; ++after) {
    file.fs.ShrinkAfter(after, 0);
    const VerifyReport report = file.Verify();
    CHECK(LevelsOf(report) == std::vector{kUnknown, kSkipped, kSkipped, kSkipped});
    CHECK(report.verdict() == Verdict::kNotProvable);
    CHECK_FALSE(report.keyspace.has_value());
    CHECK(report.findings.total() == 1);
    CHECK_THAT(report.Cause(),
               Catch::Matchers::ContainsSubstring("the file changes while etcdrill reads it"));
  }
}

}  // namespace
}  // namespace etcdrill::verify
