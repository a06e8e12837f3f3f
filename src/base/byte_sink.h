// Where a stream of bytes goes, piece by piece. An error ends the stream, and whoever hands out the
// bytes returns it as it is.
#pragma once

#include <functional>
#include <string_view>

#include "base/status.h"

namespace etcdrill {

using ByteSink = std::function<Status(std::string_view)>;

}  // namespace etcdrill
