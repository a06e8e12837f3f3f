// A file that was cut, at every length that matters, and one that is cut while it is read: by a
// file system that fails as the real one does, and for real, by another thread, through the real
// one (a mapped file would end in SIGBUS).
#include <filesystem>
#include <set>
#include <stop_token>
#include <thread>

#include "faults/faults.h"
#include "support/bolt_builder.h"
#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

constexpr size_t kTrailerBytes = 32;

std::set<size_t> CutSizes(size_t size) {
  std::set<size_t> cuts;
  for (size_t n = 0; n <= 4096; ++n) cuts.insert(n);
  for (size_t n = 512; n <= size; n += 512) cuts.insert({n - 1, n, n + 1});
  for (size_t n = size - 64; n < size; ++n) cuts.insert(n);
  while (*cuts.rbegin() >= size) cuts.erase(std::prev(cuts.end()));
  return cuts;
}

std::string SampleBytes() { return ReadFile(SnapshotPath(GENERATE(from_range(SampleNames())))); }

TEST_CASE(
    "cuts: a snapshot that was cut is never proven, and damaged but for the loss of just its "
    "trailer") {
  const std::string bytes = SampleBytes();
  MemoryVerifier verifier;
  for (const size_t size : CutSizes(bytes.size())) {
    const auto report = verifier.Verify(std::string_view(bytes).substr(0, size));
    const auto expected =
        size == bytes.size() - kTrailerBytes ? Verdict::kNotProvable : Verdict::kDamaged;
    if (report.verdict() != expected)
      FAIL_CHECK("cut to " << size << " of " << bytes.size() << ": " << Describe(report));
  }
}

TEST_CASE("cuts: a database without a trailer that was cut is damaged at any length") {
  const std::string bytes = WithoutTrailer(SampleBytes());
  MemoryVerifier verifier;
  for (const size_t size : CutSizes(bytes.size())) {
    const auto report = verifier.Verify(std::string_view(bytes).substr(0, size));
    if (report.verdict() != Verdict::kDamaged)
      FAIL_CHECK("cut to " << size << " of " << bytes.size() << ": " << Describe(report));
  }
}

TEST_CASE("cuts: a file that is shortened while it is read gives a finding that says so") {
  const std::string bytes = SampleBytes();
  MemoryVerifier verifier;
  verifier.Verify(bytes);
  const uint64_t reads = verifier.fs().reads();
  std::mt19937_64 random(Seed());
  for (uint64_t after = 0; after < reads; ++after) {
    const bool all_gone = after % 2 == 0;
    const uint64_t size = all_gone ? 0 : random() % bytes.size();
    verifier.fs().ShrinkAfter(after, size);
    const auto report = verifier.Verify(bytes);
    CAPTURE(Seed(), after, size);
    CHECK(report.verdict() == Verdict::kNotProvable);
    CHECK(HasFinding(report.findings, "file_changed"));
  }
}

TEST_CASE(
    "cuts: a real file that another thread cuts and mends all the time never ends the process") {
  TestContext test;
  const std::string path = test.Path("snapshot.db");
  const std::string bytes = ReadFile(SnapshotPath("e36-compacted"));
  WriteFile(path, bytes);
  std::jthread cutter([&](const std::stop_token& stop) {
    std::mt19937_64 random(Seed());
    while (!stop.stop_requested()) {
      std::filesystem::resize_file(path, random() % bytes.size());
      std::filesystem::resize_file(path, bytes.size());  // with zeros now
      WriteFile(path, bytes);
    }
  });
  size_t changed = 0;
  for (size_t i = 0; i < Scaled(2000); ++i) {
    const auto report = VerifyFile(test.context(), path);
    REQUIRE(report.ok());
    changed += HasFinding(report->findings, "file_changed") ? 1 : 0;
  }
  CHECK(changed > 0);
}

}  // namespace
}  // namespace etcdrill::testing
