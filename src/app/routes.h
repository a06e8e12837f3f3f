// What the sidecar answers on its port (DESIGN.md section 7; docs/web.md).
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "report/metrics.h"
#include "report/router.h"
#include "report/status/board.h"

namespace etcdrill::app {

// What POST can start. Each returns false if such a run is going on; an empty one is not to be had.
struct Lifecycle {
  bool enabled = false;
  std::function<bool()> reload;
  std::function<bool()> snapshot;
  std::function<bool()> drill;
};

// All references must outlive the server that the routes are given to.
std::vector<report::Route> Routes(Clock& clock, const std::stop_token& stop, const std::string& cluster,
                                  const report::Metrics& metrics, const report::StatusBoard& board,
                                  const Lifecycle& lifecycle);

}  // namespace etcdrill::app
