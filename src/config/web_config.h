// Reads a web.config_file, in the format of Prometheus' exporter-toolkit
// (github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md), so that one file
// serves all exporters of a machine.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "http/web_config.h"

namespace etcdrill::config {

// kConfig with one line for each problem. Paths in it are relative to `path`.
Result<http::WebConfig> ParseWebConfig(std::string_view text, const std::string& path);

}  // namespace etcdrill::config
