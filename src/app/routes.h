// What the sidecar answers on its port (DESIGN.md section 7).
#pragma once

#include <vector>

#include "report/metrics.h"
#include "report/router.h"

namespace etcdrill::app {

// `metrics` must outlive the server that the routes are given to.
std::vector<report::Route> Routes(const report::Metrics& metrics);

}  // namespace etcdrill::app
