// Whole pages that are wrong: zeroed, swapped, replaced by a copy of another one, gone back to an
// older version. With a trailer all of it is damage. Then the trailer is made right again, so that
// the structure and the keyspace alone must see it: what they see is counted, and required where
// the format makes it possible.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/bytes.h"
#include "faults/faults.h"
#include "support/byte_classes.h"
#include "support/catch.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

using Kind = MappedPage::Kind;

constexpr size_t kTriesPerSnapshot = 250;

struct Sample {
  std::string name;
  std::string bytes;
  ByteMap map;
};

Sample Load(const std::string& name) {
  std::string bytes = ReadFile(SnapshotPath(name));
  ByteMap map = MapBytes(bytes);
  return {name, std::move(bytes), std::move(map)};
}

std::string_view KindName(const MappedPage& page) {
  if (page.bucket.empty()) return "root leaf";
  return page.kind == Kind::kBranch ? "branch" : page.span > 1 ? "leaf with overflow" : "leaf";
}

// How often a damage was found by the structure or the keyspace alone.
class Rates {
 public:
  void Count(const std::string& what, bool found, bool harmless) {
    Tally& tally = tallies_[what];
    ++tally.tries;
    tally.found += found ? 1 : 0;
    tally.harmless += harmless ? 1 : 0;
  }
  std::string Table() const {
    std::string table = fmt::format("{:44} {:>6} {:>6} {:>9} {:>7}\n", "damage", "tries", "found",
                                    "harmless", "missed");
    for (const auto& [what, t] : tallies_) {
      table += fmt::format("{:44} {:6} {:6} {:9} {:7}\n", what, t.tries, t.found, t.harmless,
                           t.tries - t.found - t.harmless);
    }
    return table;
  }

 private:
  struct Tally {
    size_t tries = 0, found = 0, harmless = 0;
  };
  std::map<std::string, Tally> tallies_;
};

// Judges damaged copies of one snapshot.
class Judge {
 public:
  explicit Judge(const Sample& sample) : sample_(sample), clean_(verifier_.Verify(sample.bytes)) {
    REQUIRE(clean_.verdict() == Verdict::kProven);
  }

  // `damaged` still has the old trailer. `must`: the structure or the keyspace alone has to find
  // it, or nothing has changed for any reader.
  void Try(Rates& rates, const std::string& what, const std::string& damaged, bool must) {
    if (damaged == sample_.bytes) return;
    CAPTURE(Seed(), sample_.name, what);
    CHECK(verifier_.Verify(damaged).verdict() == Verdict::kDamaged);
    CHECK(verifier_.Verify(WithoutTrailer(damaged)).verdict() != Verdict::kProven);
    const auto report = verifier_.Verify(WithRightTrailer(damaged));
    const bool found = report.verdict() == Verdict::kDamaged;
    const bool harmless = !found && SameContent(report, clean_);
    rates.Count(what, found, harmless);
    if (must && !found && !harmless) FAIL_CHECK(Describe(report));
  }

 private:
  const Sample& sample_;
  MemoryVerifier verifier_;
  const verify::VerifyReport clean_;
};

std::string_view PageOf(const Sample& sample, uint64_t id) {
  return std::string_view(sample.bytes).substr(id * sample.map.page_size, sample.map.page_size);
}

std::string WithPage(const Sample& sample, uint64_t id, std::string_view page, bool patch_id) {
  std::string bytes = sample.bytes;
  const size_t at = id * sample.map.page_size;
  bytes.replace(at, page.size(), page);
  if (patch_id) std::memcpy(&bytes[at], &id, sizeof id);
  return bytes;
}

std::string SnapshotName() { return GENERATE(from_range(SampleNames())); }

TEST_CASE("pages: any page in use that is zeroed is found") {
  const Sample sample = Load(SnapshotName());
  Judge judge(sample);
  Rates rates;
  const std::string zeros(sample.map.page_size, '\0');
  for (const uint64_t id : {0u, 1u})
    judge.Try(rates, "zeroed meta", WithPage(sample, id, zeros, false), true);
  for (const MappedPage& page : sample.map.pages) {
    judge.Try(rates, fmt::format("zeroed {}", KindName(page)),
              WithPage(sample, page.id, zeros, false), true);
    // The pages of an overflow are one value's bytes: the row still decodes, and only a hash could
    // tell.
    for (uint64_t id = page.id + 1; id < page.id + page.span; ++id) {
      judge.Try(rates, "zeroed overflow (content)", WithPage(sample, id, zeros, false), false);
    }
  }
  for (const uint64_t id : sample.map.free_pages) {
    judge.Try(rates, "zeroed free page", WithPage(sample, id, zeros, false), true);
  }
  WARN(sample.name << "\n" << rates.Table());
}

// A leaf in the place of the branch above it is a smaller tree, sound in itself. Of the rows that
// it lacks, those above the compact revision are missed; those below could have been compacted.
bool LeavesASoundTree(const MappedPage& a, const MappedPage& b) {
  return a.kind != b.kind && a.bucket == b.bucket;
}

// Two pages, or one and its twin, with and without the numbers that they carry made right.
template <typename Damage>
void TryPairs(const std::string& name, bool patched, Damage&& damage) {
  const Sample sample = Load(name);
  Judge judge(sample);
  Rates rates;
  std::mt19937_64 random(Seed());
  for (size_t i = 0; i < Scaled(kTriesPerSnapshot); ++i) {
    const MappedPage& a = sample.map.pages[random() % sample.map.pages.size()];
    const MappedPage& b = sample.map.pages[random() % sample.map.pages.size()];
    if (a.id == b.id) continue;
    const auto what =
        fmt::format("{} and {}{}", KindName(a), KindName(b), patched ? ", ids patched" : "");
    judge.Try(rates, what, damage(sample, a, b), !patched || !LeavesASoundTree(a, b));
  }
  WARN(sample.name << "\n" << rates.Table());
}

TEST_CASE("pages: two pages that changed places are found, with their numbers patched or not") {
  const bool patched = GENERATE(false, true);
  TryPairs(SnapshotName(), patched,
           [&](const Sample& sample, const MappedPage& a, const MappedPage& b) {
             std::string bytes = WithPage(sample, a.id, PageOf(sample, b.id), patched);
             const size_t at = b.id * sample.map.page_size;
             bytes.replace(at, sample.map.page_size, PageOf(sample, a.id));
             if (patched) std::memcpy(&bytes[at], &b.id, sizeof b.id);
             return bytes;
           });
}

TEST_CASE("pages: a copy of another page is found, with its number patched or not") {
  const bool patched = GENERATE(false, true);
  TryPairs(SnapshotName(), patched,
           [&](const Sample& sample, const MappedPage& a, const MappedPage& b) {
             return WithPage(sample, a.id, PageOf(sample, b.id), patched);
           });
}

TEST_CASE(
    "pages: a free page in the place of one in use is found, or holds an older version of it") {
  const Sample sample = Load(SnapshotName());
  Judge judge(sample);
  Rates rates;
  std::mt19937_64 random(Seed());
  if (sample.map.free_pages.empty()) SKIP("no free pages");
  for (size_t i = 0; i < Scaled(kTriesPerSnapshot); ++i) {
    const MappedPage& page = sample.map.pages[random() % sample.map.pages.size()];
    const uint64_t free_page = sample.map.free_pages[random() % sample.map.free_pages.size()];
    judge.Try(rates, fmt::format("{} replaced by a free page", KindName(page)),
              WithPage(sample, page.id, PageOf(sample, free_page), false), true);
    judge.Try(rates, fmt::format("{} replaced by a free page, id patched", KindName(page)),
              WithPage(sample, page.id, PageOf(sample, free_page), true), false);
  }
  WARN(sample.name << "\n" << rates.Table());
}

// Snapshots of one store at a later and an earlier moment.
TEST_CASE(
    "pages: an older version of a page, from an earlier snapshot, is damage, or not provable "
    "without a trailer") {
  const std::string version = GENERATE("e34", "e3516", "e3530", "e36", "e37");
  const Sample sample =
      Load(version + GENERATE("-compacted", "-compacted-at-head", "-alarm", "-auth"));
  Judge judge(sample);
  Rates rates;
  for (const char* moment : {"-nocompact", "-compacted", "-compacted-at-head", "-alarm"}) {
    if (version + moment == sample.name) break;
    const Sample older = Load(version + moment);
    for (const MappedPage& page : sample.map.pages) {
      if (page.id >= (older.bytes.size() - 32) / sample.map.page_size) continue;
      const std::string_view old_page = PageOf(older, page.id);
      const bool same_place =
          LoadLE64(old_page.data()) == page.id;  // else it is the middle of an overflow there
      judge.Try(rates,
                fmt::format("{}, older{}", KindName(page), same_place ? "" : ", another page"),
                WithPage(sample, page.id, old_page, true), false);
    }
  }
  WARN(sample.name << "\n" << rates.Table());
}

}  // namespace
}  // namespace etcdrill::testing
