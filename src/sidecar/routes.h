// What the sidecar answers on its port (docs/reference/http.md).
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "http/router.h"
#include "sidecar/cluster_runtime.h"

namespace etcdrill::sidecar {

// What POST can do.
struct Lifecycle {
  bool enabled = false;
  std::function<Status()> reload;
};

// `metrics` makes the page of /metrics. `cluster` must outlive the server that the routes are given
// to.
std::vector<http::Route> Routes(const std::stop_token& stop, ClusterRuntime& cluster,
                                std::function<std::string()> metrics, const Lifecycle& lifecycle);

}  // namespace etcdrill::sidecar
