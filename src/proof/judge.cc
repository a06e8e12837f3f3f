#include "proof/judge.h"

namespace etcdrill {
namespace {

template <typename Is>
bool AnyUpTo(Level top, const Levels& levels, Is&& is) {
  for (const Level level : ValuesOf<Level>()) {
    if (level <= top && is(levels[level])) return true;
  }
  return false;
}

bool HasFailed(LevelResult result) { return result == LevelResult::kFail; }

}  // namespace

Verdict Judge(const Levels& levels, const Findings& findings, Level top) {
  const bool failed = AnyUpTo(kTopLevel, levels, HasFailed);
  if (failed || findings.errors() > 0) return Verdict::kDamaged;
  const bool open =
      AnyUpTo(top, levels, [](LevelResult result) { return result != LevelResult::kPass; });
  return open || findings.FirstDoubt() != nullptr ? Verdict::kNotProvable : Verdict::kProven;
}

int LevelReached(const Levels& levels, const Findings& findings) {
  const bool damaged = AnyUpTo(Level::kKeyspace, levels, HasFailed);
  if (damaged || findings.errors() > 0) return 0;
  for (const Level level : {Level::kBoot, Level::kRestore, Level::kKeyspace}) {
    if (levels[level] == LevelResult::kPass) return static_cast<int>(level);
  }
  return 0;
}

}  // namespace etcdrill
