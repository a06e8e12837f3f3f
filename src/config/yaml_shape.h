// What a configuration may not be made of: anchors and aliases, which can make a small text mean a
// huge one, and depths that no setting needs.
#pragma once

#include <string_view>

#include "config/section.h"

namespace etcdrill::config {

// Adds each problem of the text's shape. May throw what yaml-cpp throws about a text that is no
// YAML.
void CheckShape(std::string_view text, Problems& problems);

}  // namespace etcdrill::config
