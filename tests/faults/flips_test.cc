// One flipped bit, many times in each class of bytes. With a trailer every one is damage. Without
// one, page headers and element fields are found or do no harm, and nothing is ever called proven.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "faults/faults.h"
#include "support/bolt_builder.h"
#include "support/byte_classes.h"
#include "support/catch.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

constexpr size_t kFlipsPerClass = 1000;

struct Sample {
  std::string name;
  std::string bytes;
  ByteMap map;
};

std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  for (const std::string& name : SampleNames())
    samples.push_back({name, ReadFile(SnapshotPath(name)), {}});
  samples.push_back({"tiny with a freelist", WithTrailer(TinyDatabase({.freelist = true})), {}});
  for (Sample& sample : samples) sample.map = MapBytes(sample.bytes);
  return samples;
}

void Flip(std::string& bytes, size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
}

// Processor seconds of this process: other work on the machine does not count.
struct Tally {
  size_t flips = 0;
  size_t found = 0;     // by the structure or the keyspace alone
  size_t placed = 0;    // of those: a finding names the page that it is on
  size_t harmless = 0;  // not found, and every reader sees the same
};

// Calls on_flip(sample, damaged bytes, the bit) for kFlipsPerClass bits of a class, spread over the
// samples that have it.
template <typename OnFlip>
void ForEachFlip(std::vector<Sample>& samples, ByteClass byte_class, OnFlip&& on_flip) {
  std::mt19937_64 random(Seed() + static_cast<uint64_t>(byte_class));
  std::vector<std::pair<Sample*, std::vector<size_t>>> having;
  for (Sample& sample : samples) {
    std::vector<size_t> offsets = sample.map.Offsets(byte_class);
    if (!offsets.empty()) having.emplace_back(&sample, std::move(offsets));
  }
  REQUIRE_FALSE(having.empty());
  const size_t flips = Scaled(kFlipsPerClass);
  for (size_t i = 0; i < flips; ++i) {
    auto& [sample, offsets] = having[i % having.size()];
    const size_t bit = offsets[random() % offsets.size()] * 8 + random() % 8;
    Flip(sample->bytes, bit);
    on_flip(*sample, bit);
    Flip(sample->bytes, bit);
  }
}

// The processor time of a verify of each undamaged sample.
std::map<std::string, double> CleanSeconds(MemoryVerifier& verifier,
                                           const std::vector<Sample>& samples) {
  constexpr int kRuns = 50;
  std::map<std::string, double> seconds;
  for (const Sample& sample : samples) {
    const double begin = CpuSeconds();
    for (int i = 0; i < kRuns; ++i) verifier.Verify(sample.bytes);
    seconds[sample.name] = (CpuSeconds() - begin) / kRuns;
  }
  return seconds;
}

// Where a flip was that went wrong: enough to do it again.
std::string Place(const Sample& sample, ByteClass byte_class, size_t bit) {
  return fmt::format("seed {}, {}, bit {} of byte {} ({}): ", Seed(), sample.name, bit % 8, bit / 8,
                     ByteClassName(byte_class));
}

TEST_CASE("flips: with a trailer, every one is found in every class of bytes") {
  std::vector<Sample> samples = Samples();
  MemoryVerifier verifier;
  auto clean_seconds = CleanSeconds(verifier, samples);
  double seconds = 0;
  double clean = 0;
  for (size_t c = 0; c < kByteClasses; ++c) {
    ForEachFlip(samples, static_cast<ByteClass>(c), [&](const Sample& sample, size_t bit) {
      const double begin = CpuSeconds();
      const auto report = verifier.Verify(sample.bytes);
      seconds += CpuSeconds() - begin;
      clean += clean_seconds[sample.name];
      if (report.verdict() == Verdict::kDamaged &&
          report.levels[Level::kTransfer] == LevelResult::kFail)
        return;
      FAIL_CHECK(Place(sample, static_cast<ByteClass>(c), bit) << Describe(report));
    });
  }
  WARN(fmt::format("processor time of all flips: {:.2f} of that of sound files", seconds / clean));
  CHECK(seconds < 2 * clean);
}

bool NamesPage(const verify::VerifyReport& report, const Sample& sample, size_t bit) {
  const auto& kept = report.findings.kept();
  return std::any_of(kept.begin(), kept.end(), [&](const Finding& finding) {
    return finding.severity == Severity::kError && finding.page == bit / 8 / sample.map.page_size;
  });
}

// The trailer of all samples is taken away, then the class is flipped. Each flip that is called
// proven fails the test, and, if `must` is set, each one that is neither found nor harmless.
Tally FlipWithoutTrailer(MemoryVerifier& verifier, ByteClass byte_class, bool must) {
  std::vector<Sample> samples = Samples();
  std::map<std::string, verify::VerifyReport> clean;
  for (Sample& sample : samples) {
    sample.bytes = WithoutTrailer(sample.bytes);
    clean[sample.name] = verifier.Verify(sample.bytes);
    REQUIRE(clean[sample.name].verdict() == Verdict::kNotProvable);
  }
  Tally tally;
  ForEachFlip(samples, byte_class, [&](const Sample& sample, size_t bit) {
    const auto report = verifier.Verify(sample.bytes);
    const bool found = report.verdict() == Verdict::kDamaged;
    const bool harmless = !found && SameContent(report, clean[sample.name]);
    ++tally.flips;
    tally.found += found ? 1 : 0;
    tally.placed += found && NamesPage(report, sample, bit) ? 1 : 0;
    tally.harmless += harmless ? 1 : 0;
    if (report.verdict() == Verdict::kProven || (must && !found && !harmless)) {
      FAIL_CHECK(Place(sample, byte_class, bit) << Describe(report));
    }
  });
  return tally;
}

// Bytes that are user data, or that lead to other pages which may be as sound as the right ones:
// only a hash can tell.
bool IsContent(ByteClass byte_class) {
  switch (byte_class) {
    case ByteClass::kLeafKey:
    case ByteClass::kLeafValue:
    case ByteClass::kInlineKey:
    case ByteClass::kInlineValue:
    case ByteClass::kBucketHeader:
      return true;
    default:
      return false;
  }
}

TEST_CASE(
    "flips: without a trailer, nothing is proven, and what readers follow is found or does no "
    "harm") {
  MemoryVerifier verifier;
  std::string table = fmt::format("{:16} {:>6} {:>6} {:>6} {:>9} {:>7}\n", "class", "flips",
                                  "found", "placed", "harmless", "missed");
  for (size_t c = 0; c < kByteClasses; ++c) {
    const auto byte_class = static_cast<ByteClass>(c);
    if (byte_class == ByteClass::kTrailer) continue;
    const Tally t = FlipWithoutTrailer(verifier, byte_class, !IsContent(byte_class));
    table += fmt::format("{:16} {:6} {:6} {:6} {:9} {:7}\n", ByteClassName(byte_class), t.flips,
                         t.found, t.placed, t.harmless, t.flips - t.found - t.harmless);
  }
  WARN("one flipped bit, no trailer, seed " << Seed() << ":\n" << table);
}

}  // namespace
}  // namespace etcdrill::testing
