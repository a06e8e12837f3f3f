// HMAC-SHA256 (RFC 2104), by OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace etcdrill {

// The 32 raw bytes.
std::string HmacSha256(std::string_view key, std::string_view message);

}  // namespace etcdrill
