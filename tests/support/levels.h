// The levels of a file or a drill that came so far and then, if it is no proof, no further.
#pragma once

#include "proof/judge.h"

namespace etcdrill::testing {

// All up to `reached` passed; the next one failed, or nobody knows, as `verdict` says.
inline Levels LevelsTo(Level reached, Verdict verdict = Verdict::kProven) {
  Levels levels;
  for (size_t i = 0; i <= static_cast<size_t>(reached); ++i)
    levels[static_cast<Level>(i)] = LevelResult::kPass;
  if (verdict != Verdict::kProven) {
    levels[static_cast<Level>(static_cast<size_t>(reached) + 1)] =
        verdict == Verdict::kDamaged ? LevelResult::kFail : LevelResult::kUnknown;
  }
  return levels;
}

}  // namespace etcdrill::testing
