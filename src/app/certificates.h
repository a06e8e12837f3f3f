// When the certificates end that the configuration names.
#pragma once

#include <map>
#include <string>

#include "config/config.h"
#include "io/file_system.h"

namespace etcdrill::app {

// Unix seconds by the name of the metric's label: the earliest end in each file. A file that is not configured, or
// can't be read right now, is absent.
std::map<std::string, double> CertificateEnds(FileSystem& fs, const config::Config& config);

}  // namespace etcdrill::app
