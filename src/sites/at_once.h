// Many small requests to a site, several at a time: each is mostly waiting.
#pragma once

#include <cstddef>
#include <functional>

#include "io/context.h"

namespace etcdrill::sites {

// Calls `act` for each number below `count`, in up to eight threads; so it must be safe for that.
// After an error, which comes back, or a stop no further ones begin.
Status ForEachAtOnce(const Context& context, size_t count,
                     const std::function<Status(size_t)>& act);

}  // namespace etcdrill::sites
