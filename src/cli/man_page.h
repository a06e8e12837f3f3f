// etcdrill.1, made from the command table.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace etcdrill::cli {

std::string ManPage(const CommandInfo& root);

}  // namespace etcdrill::cli
