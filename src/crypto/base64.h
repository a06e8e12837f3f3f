// Base64 (RFC 4648), with padding and without line breaks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace etcdrill {

std::string EncodeBase64(std::string_view bytes);
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace etcdrill
