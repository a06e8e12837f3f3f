// Commands that work with a cluster take it from a configuration file or from flags.
#pragma once

#include <string>

#include "cli/commands.h"
#include "config/load.h"

namespace etcdrill::cli {

// The file's cluster if a file is named, else the flags'.
Result<etcd::ConnectionOptions> ConnectionOf(const Context& context, const std::string& config_file,
                                             const ConnectionFlags& flags);
etcd::ConnectionOptions ConnectionOf(const config::Config& config);

}  // namespace etcdrill::cli
