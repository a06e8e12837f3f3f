// The sidecar: its schedules, one store, one port. Ends when a stop is requested.
#pragma once

#include "base/status.h"
#include "io/context.h"
#include "sidecar/generation.h"

namespace etcdrill::sidecar {

// An error is one of the start: the store is taken, the port is in use, a certificate can't be
// read. Later failures are logged and counted, and the schedules go on. `load` reads the settings
// again, at SIGHUP and at POST /-/reload.
Status RunDaemon(const Context& context, const Settings& settings, const LoadSettings& load);

}  // namespace etcdrill::sidecar
