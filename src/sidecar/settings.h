// What `run` works by: the configuration, and whom it connects to. Read at start, and again at each
// reload.
#pragma once

#include <functional>

#include "base/log.h"
#include "base/status.h"
#include "config/config.h"
#include "etcd/client.h"

namespace etcdrill::sidecar {

struct Settings {
  config::Config config;
  etcd::ConnectionOptions connection;
  LogLevel log_level = LogLevel::kInfo;
};

using LoadSettings = std::function<Result<Settings>()>;

}  // namespace etcdrill::sidecar
