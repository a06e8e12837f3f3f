// What a configuration may say, but hardly means. Told by `check config`, and once when `run`
// starts.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "etcd/client.h"

namespace etcdrill::config {

// One line for each; `connection` is the one that follows from the configuration, flags or
// environment.
std::vector<std::string> WarningsOf(const config::Config& config,
                                    const etcd::ConnectionOptions& connection);

}  // namespace etcdrill::config
