// Bech32 (BIP 173): bytes as text with a prefix that says what they are, and a checksum that finds
// a slip of the pen. As age uses it: of any length, where BIP 173 ends at 90 characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace etcdrill {

struct Bech32 {
  std::string prefix;  // in lower case
  std::string bytes;
};

// In lower case.
std::string EncodeBech32(std::string_view prefix, std::string_view bytes);
// All lower or all upper case. None for anything else, or if the checksum does not fit.
std::optional<Bech32> DecodeBech32(std::string_view text);

}  // namespace etcdrill
