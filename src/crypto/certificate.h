// When certificates end, and which key is theirs. X.509 in PEM, read by OpenSSL.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace etcdrill {

// The earliest end of validity of all certificates in the text, keys and other blocks passed over; none if it holds no
// certificate that can be read.
std::optional<WallTime> EarliestNotAfter(std::string_view pem);

// Whether this private key is that of the first certificate; false also if one of them can't be read.
bool KeyFitsCertificate(std::string_view key_pem, std::string_view certificate_pem);

}  // namespace etcdrill
