// The verifier on bytes in memory.
#include "faults/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

uint64_t Knob(const char* name, uint64_t normal) {
  const char* text = std::getenv(name);
  return text == nullptr ? normal : std::strtoull(text, nullptr, 10);
}

}  // namespace

size_t Scaled(size_t tries) { return tries * Knob("ETCDRILL_FAULTS_SCALE", 1); }
uint64_t Seed() { return Knob("ETCDRILL_FAULTS_SEED", 20261122); }

Result<verify::VerifyReport> MemoryVerifier::TryVerify(std::string_view bytes) {
  fs_.Serve(bytes);
  const Context& real = test_.context();
  const Context context{fs_, real.clock, real.random, real.processes, real.log, real.stop};
  return VerifyFile(context, "snapshot.db");
}

verify::VerifyReport MemoryVerifier::Verify(std::string_view bytes) {
  auto report = TryVerify(bytes);
  CHECK(report.ok());
  return *std::move(report);
}

bool ContentPasses(const verify::VerifyReport& report) {
  return report.levels[Level::kPresent] == LevelResult::kPass &&
         report.levels[Level::kStructure] == LevelResult::kPass &&
         report.levels[Level::kKeyspace] == LevelResult::kPass;
}

bool SameContent(const verify::VerifyReport& a, const verify::VerifyReport& b) {
  if (!a.keyspace.has_value() || !b.keyspace.has_value()) return false;
  const auto facts = [](const verify::Keyspace& k) {
    return std::tuple(k.hash, k.hashkv.hash, k.hashkv.revision, k.hashkv.compact_revision,
                      k.newest_row, k.total_keys, k.live_keys);
  };
  return facts(*a.keyspace) == facts(*b.keyspace);
}

std::string Describe(const verify::VerifyReport& report) {
  return fmt::format("{} (structure {}, keyspace {}): {}", NameOf(report.verdict()),
                     NameOf(report.levels[Level::kStructure]),
                     NameOf(report.levels[Level::kKeyspace]), report.Cause());
}

std::vector<std::string> SampleNames() {
  return {"e34-nocompact", "e3516-compacted", "e36-compacted", "e37-nocompact"};
}

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::string WithoutTrailer(std::string_view snapshot) {
  return std::string(snapshot.substr(0, snapshot.size() - 32));
}

}  // namespace etcdrill::testing
