// The sidecar: three schedules, one store, one port. Ends when a stop is requested.
#pragma once

#include "base/status.h"
#include "config/config.h"
#include "etcd/client.h"
#include "io/context.h"

namespace etcdrill::app {

// An error is one of the start: the store is taken, the port is in use, a certificate can't be read. Later failures are
// logged and counted, and the schedules go on.
Status RunDaemon(const Context& context, const config::Config& config, const etcd::ConnectionOptions& connection);

}  // namespace etcdrill::app
