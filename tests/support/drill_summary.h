// A drill as a store would tell of it.
#pragma once

#include <chrono>

#include "proof/drill_summary.h"

namespace etcdrill::testing {

// That ended so many seconds after 1970 began.
inline DrillSummary Drill(int64_t at, bool passed) {
  DrillSummary drill;
  drill.finished = WallTime(std::chrono::seconds(at));
  drill.passed = passed;
  drill.rto_seconds = 2;
  drill.checks = {{CheckName::kHashKv, passed}};
  return drill;
}

}  // namespace etcdrill::testing
