// What the sidecar answers on its port (docs/web.md).
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "http/router.h"
#include "report/metrics.h"
#include "report/status/board.h"

namespace etcdrill::sidecar {

// What POST can do.
struct Lifecycle {
  bool enabled = false;
  std::function<Status()> reload;
  // These return false if such a run is going on.
  std::function<bool()> snapshot;
  std::function<bool()> drill;
};

// All references must outlive the server that the routes are given to.
std::vector<http::Route> Routes(Clock& clock, const std::stop_token& stop,
                                const std::string& cluster, const report::Metrics& metrics,
                                const report::StatusBoard& board, const Lifecycle& lifecycle);

}  // namespace etcdrill::sidecar
