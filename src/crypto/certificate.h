// When certificates end. X.509 in PEM, read by OpenSSL.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace etcdrill {

// The earliest end of validity of all certificates in the text, keys and other blocks passed over; none if it holds no
// certificate that can be read.
std::optional<WallTime> EarliestNotAfter(std::string_view pem);

}  // namespace etcdrill
