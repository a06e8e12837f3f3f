// The two ways in which S3 writes a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace etcdrill::objects {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
std::optional<WallTime> ParseHttpTime(std::string_view text);
// "2026-11-22T08:00:00Z", with or without a fraction, which is dropped.
std::optional<WallTime> ParseXmlTime(std::string_view text);

}  // namespace etcdrill::objects
