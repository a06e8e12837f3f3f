// What the sites of a configuration name on this machine, tried one by one: key files, credentials,
// authorities, directories, rclone. No site is asked for anything: that is for `check store`.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "io/context.h"

namespace etcdrill::cli {

struct SiteRemarks {
  std::vector<std::string> problems;  // each names its site
  std::vector<std::string> warnings;
};

SiteRemarks CheckSites(const Context& context, const config::Config& config);

}  // namespace etcdrill::cli
