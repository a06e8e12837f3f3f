// Times as servers write them: RFC 3339 with a fraction of any length, or none, in UTC or with an
// offset. Ours (base/clock.h) have neither.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace etcdrill::objects {

// "2026-11-27T20:15:13.123456Z", "2026-11-27T21:15:13+01:00". What is finer than a nanosecond is
// dropped. None for anything else, or a year outside of 1970 to 2261.
std::optional<WallTime> ParseTimestamp(std::string_view text);

}  // namespace etcdrill::objects
