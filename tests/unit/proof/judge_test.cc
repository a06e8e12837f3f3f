// Every verdict there is, from every evidence there can be.
#include "proof/judge.h"

#include <set>

#include "support/catch.h"
#include "support/levels.h"

namespace etcdrill {
namespace {

Findings With(Severity severity, bool prevents_proof = false) {
  Findings findings;
  findings.Add(
      {.code = "x", .severity = severity, .text = "text", .prevents_proof = prevents_proof});
  return findings;
}

// The rule once more, as a sentence: wrong if anything is wrong; else proven if all was seen.
Verdict Expected(const std::set<LevelResult>& asked, const std::set<LevelResult>& all,
                 const Findings& findings) {
  if (all.contains(LevelResult::kFail) || findings.errors() > 0) return Verdict::kDamaged;
  const bool all_passed = asked == std::set{LevelResult::kPass};
  return all_passed && findings.FirstDoubt() == nullptr ? Verdict::kProven : Verdict::kNotProvable;
}

TEST_CASE("the verdict of every evidence") {
  const std::vector<Findings> findings = {{},
                                          With(Severity::kInfo),
                                          With(Severity::kWarning),
                                          With(Severity::kWarning, true),
                                          With(Severity::kError)};
  constexpr size_t kLevels = NamesOf<Level>().size();
  constexpr size_t kResults = NamesOf<LevelResult>().size();
  size_t cases = 1;
  for (size_t i = 0; i < kLevels; ++i) cases *= kResults;
  std::array<size_t, NamesOf<Verdict>().size()> seen{};
  size_t wrong = 0;
  for (size_t number = 0; number < cases; ++number) {
    Levels levels;
    std::vector<LevelResult> results;
    for (size_t i = 0, rest = number; i < kLevels; ++i, rest /= kResults) {
      results.push_back(static_cast<LevelResult>(rest % kResults));
      levels[static_cast<Level>(i)] = results.back();
    }
    const std::set<LevelResult> all(results.begin(), results.end());
    for (size_t top = 0; top < kLevels; ++top) {
      const std::set<LevelResult> asked(results.begin(),
                                        results.begin() + static_cast<ptrdiff_t>(top) + 1);
      for (const Findings& f : findings) {
        const Verdict verdict = Judge(levels, f, static_cast<Level>(top));
        ++seen[static_cast<size_t>(verdict)];
        wrong += verdict != Expected(asked, all, f);
      }
    }
  }
  CHECK(wrong == 0);
  // Of no finding, one for information and one warning: one for each level that is asked for, and
  // each result but a failure above it.
  CHECK(seen[static_cast<size_t>(Verdict::kProven)] == 3 * (243 + 81 + 27 + 9 + 3 + 1));
}

TEST_CASE("what was not looked at is never proven") {
  CHECK(Judge({}, {}, Level::kPresent) == Verdict::kNotProvable);
  CHECK(Judge(testing::LevelsTo(Level::kKeyspace), {}, Level::kKeyspace) == Verdict::kProven);
  CHECK(Judge(testing::LevelsTo(Level::kKeyspace), {}, Level::kBoot) == Verdict::kNotProvable);
}

TEST_CASE("how far a drill came") {
  const auto reached = [](Level level, Verdict verdict) {
    return LevelReached(testing::LevelsTo(level, verdict), {});
  };
  CHECK(LevelReached({}, {}) == 0);
  CHECK(reached(Level::kStructure, Verdict::kDamaged) == 0);
  CHECK(reached(Level::kStructure, Verdict::kNotProvable) == 0);
  CHECK(reached(Level::kKeyspace, Verdict::kNotProvable) == 3);
  CHECK(reached(Level::kKeyspace, Verdict::kDamaged) == 3);  // its restore said so
  CHECK(reached(Level::kRestore, Verdict::kDamaged) == 4);
  CHECK(reached(Level::kBoot, Verdict::kProven) == 5);
  CHECK(LevelReached(testing::LevelsTo(Level::kBoot), With(Severity::kError)) == 0);
  // Nothing proves the bytes, and etcd serves them all the same.
  Levels served = testing::LevelsTo(Level::kBoot);
  served[Level::kTransfer] = LevelResult::kUnknown;
  CHECK(LevelReached(served, {}) == 5);
}

}  // namespace
}  // namespace etcdrill
