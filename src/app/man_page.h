// etcdrill.1, made from the command table.
#pragma once

#include <string>

#include "app/command_tree.h"

namespace etcdrill::app {

std::string ManPage(const CommandInfo& root);

}  // namespace etcdrill::app
