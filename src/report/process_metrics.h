// The process_* metrics that every Prometheus client library has, which prometheus-cpp lacks.
#pragma once

#include "report/metrics_page.h"

namespace etcdrill::report {

// `start` is the Unix time at which the process started: /proc/stat, which would tell, is hidden
// under ProcSubset=pid.
void AddProcessMetrics(double start, MetricsPage& page);

}  // namespace etcdrill::report
