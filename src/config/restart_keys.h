// What a reload can't change, because other things stand on it: a port that is open, a store that
// is locked.
#pragma once

#include "base/status.h"
#include "config/config.h"

namespace etcdrill::config {

// kConfig, naming each key that differs and needs a restart.
Status CheckReloadable(const Config& now, const Config& wanted);

}  // namespace etcdrill::config
