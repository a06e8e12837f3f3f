// Bytes written as hexadecimal digits, as published check values are.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

namespace etcdrill::testing {

// `digits`: an even number of them.
inline std::string FromHex(std::string_view digits) {
  std::string bytes;
  for (size_t at = 0; at < digits.size(); at += 2)
    bytes += static_cast<char>(ParseNumber<unsigned>(digits.substr(at, 2), 16).value());
  return bytes;
}

}  // namespace etcdrill::testing
