// Bytes of any length that repeat nothing: each piece differs from every other one, and none of
// them compresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace etcdrill::testing {

// The same for the same size.
inline std::string MadeBytes(size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = 0x9e3779b97f4a7c15;
  for (char& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

}  // namespace etcdrill::testing
