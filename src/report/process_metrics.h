// The process_* metrics that every Prometheus client library has, which prometheus-cpp lacks.
#pragma once

#include "base/clock.h"
#include "report/families.h"

namespace etcdrill::report {

// `start` is when the process started: /proc/stat, which would tell, is hidden under
// ProcSubset=pid.
void AddProcessMetrics(WallTime start, Families& page);

}  // namespace etcdrill::report
