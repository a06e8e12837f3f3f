// Bytes that were added, holes, and paths that are no regular files; through the real file system.
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <thread>

#include "faults/faults.h"
#include "support/bolt_builder.h"
#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

std::string SampleBytes() { return ReadFile(SnapshotPath(GENERATE(from_range(SampleNames())))); }

TEST_CASE("files: bytes added to a snapshot are damage") {
  const std::string bytes = SampleBytes();
  MemoryVerifier verifier;
  for (const size_t added :
       {1u, 31u, 32u, 33u, 479u, 480u, 481u, 512u, 544u, 4064u, 4096u, 4128u, 65536u}) {
    for (const char filler : {'\0', '\xff'}) {
      const auto report = verifier.Verify(bytes + std::string(added, filler));
      CAPTURE(added, int{filler});
      CHECK(report.verdict() == Verdict::kDamaged);
      // Whole sectors hide the trailer; it is looked for where the pages end.
      if ((bytes.size() + added) % 512 == 0) CHECK(HasFinding(report.findings, "file_too_long"));
    }
  }
}

TEST_CASE("files: bytes between the last page and a right trailer are warned of") {
  MemoryVerifier verifier;
  const auto report =
      verifier.Verify(WithTrailer(WithoutTrailer(SampleBytes()) + std::string(4096, '\0')));
  CHECK(HasFinding(report.findings, "file_too_long"));
}

TEST_CASE("files: a hole in the place of a page is found") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  const std::string bytes = SampleBytes();
  // Written around the hole, so that it is one on the disk as well.
  WriteFile(path, std::string_view(bytes).substr(0, 8192));
  std::filesystem::resize_file(path, bytes.size());
  const auto report = VerifyFile(test.context(), path);
  REQUIRE(report.ok());
  CHECK(report->verdict() == Verdict::kDamaged);
  CHECK(report->levels[Level::kStructure] == LevelResult::kFail);
}

// Hashing them would take a minute, so the stop comes at once: what counts is that nothing is
// allocated by the size.
TEST_CASE("files: a stop ends the look at a hole of a terabyte at once") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  WriteFile(path, TinyDatabase({}));
  std::filesystem::resize_file(path, uint64_t{1} << 40);
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    test.stop().request_stop();
  });
  const auto report = VerifyFile(test.context(), path);
  REQUIRE_FALSE(report.ok());
  CHECK(ReasonOf(report.status()) == Reason::kInterrupted);
}

TEST_CASE("files: what is not a regular file is refused, in no time") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  SECTION("fifo") { REQUIRE(mkfifo(path.c_str(), 0600) == 0); }
  SECTION("directory") { std::filesystem::create_directory(path); }
  SECTION("link to a directory") { std::filesystem::create_symlink(test.dir(), path); }
  SECTION("link to a device") { std::filesystem::create_symlink("/dev/zero", path); }
  const auto report = VerifyFile(test.context(), path);
  REQUIRE_FALSE(report.ok());
  CHECK(ReasonOf(report.status()) == Reason::kUsage);
  CHECK_THAT(std::string(MessageOf(report.status())),
             Catch::Matchers::ContainsSubstring("not a regular file"));
}

TEST_CASE("files: a link that leads nowhere, or to itself, is an error") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  std::filesystem::create_symlink(GENERATE("missing.db", "snapshot.db"), path);
  CHECK_FALSE(VerifyFile(test.context(), path).ok());
}

TEST_CASE("files: a link to a snapshot is judged by what it leads to") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  std::string bytes = SampleBytes();
  const bool damaged = GENERATE(false, true);
  if (damaged) bytes.back() ^= 1;
  WriteFile(test.Path("elsewhere.db"), bytes);
  std::filesystem::create_symlink("elsewhere.db", path);
  const auto report = VerifyFile(test.context(), path);
  REQUIRE(report.ok());
  CHECK(report->verdict() == (damaged ? Verdict::kDamaged : Verdict::kProven));
}

// The file that was opened stays what it is, whatever gets its name meanwhile: a report is never
// about two files.
TEST_CASE(
    "files: a snapshot that is replaced while it is read is judged as it was when it was opened") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  const std::string good = SampleBytes();
  std::string bad = good;
  bad[bad.size() / 2] ^= 1;
  MemoryVerifier verifier;
  const std::string good_sha256 = verifier.Verify(good).sha256;
  WriteFile(path, good);
  std::jthread replacer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      WriteFile(test.Path("next"), i % 2 == 0 ? bad : good);
      std::filesystem::rename(test.Path("next"), path);
    }
  });
  for (size_t i = 0; i < Scaled(500); ++i) {
    const auto report = VerifyFile(test.context(), path);
    REQUIRE(report.ok());
    CHECK((report->verdict() == Verdict::kProven) == (report->sha256 == good_sha256));
  }
}

}  // namespace
}  // namespace etcdrill::testing
