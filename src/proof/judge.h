// The one place where a verdict is made, of a file and of a drill alike.
#pragma once

#include <array>

#include "proof/finding.h"
#include "proof/words.h"

namespace etcdrill {

// Those that a look at a file climbs; the others are of a drill.
inline constexpr std::array kFileLevels = {Level::kPresent, Level::kTransfer, Level::kStructure,
                                           Level::kKeyspace};

// What each level of the ladder said. One that nobody looked at was skipped.
class Levels {
 public:
  Levels() { results_.fill(LevelResult::kSkipped); }
  LevelResult& operator[](Level level) { return results_[static_cast<size_t>(level)]; }
  LevelResult operator[](Level level) const { return results_[static_cast<size_t>(level)]; }

 private:
  std::array<LevelResult, NamesOf<Level>().size()> results_;
};

// kDamaged if a level failed, or a finding is an error. kProven if each level up to `top` passed,
// and no finding prevents it: what was not looked at, for whatever reason, is not proven.
Verdict Judge(const Levels& levels, const Findings& findings, Level top);

// How far a drill came: 3 with a file that shows no damage, 4 restored, 5 served; else 0.
int LevelReached(const Levels& levels, const Findings& findings);

}  // namespace etcdrill
