// HMAC-SHA256 (RFC 2104, FIPS 198-1), and the keys that HKDF derives with it (RFC 5869). The signer
// of S3 requests and the age format are built on these two.
#pragma once

#include <string>
#include <string_view>

namespace etcdrill {

// The 32 raw bytes.
std::string HmacSha256(std::string_view key, std::string_view bytes);

// `size` raw bytes, at most 255 * 32.
std::string HkdfSha256(std::string_view secret, std::string_view salt, std::string_view info,
                       size_t size);

}  // namespace etcdrill
