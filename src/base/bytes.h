// Fixed-width integers in byte strings. File bytes are never cast to structs: they may be
// unaligned, of the other byte order, or cut short. Callers check the bounds before they load.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace etcdrill {

inline uint16_t LoadLE16(const char* p) {
  uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline uint32_t LoadLE32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline uint64_t LoadLE64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline uint64_t LoadBE64(const char* p) { return __builtin_bswap64(LoadLE64(p)); }

inline void AppendLE16(std::string& out, uint16_t v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void AppendLE32(std::string& out, uint32_t v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void AppendLE64(std::string& out, uint64_t v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void AppendBE64(std::string& out, uint64_t v) { AppendLE64(out, __builtin_bswap64(v)); }
inline std::string BigEndian64(uint64_t v) {
  std::string bytes;
  AppendBE64(bytes, v);
  return bytes;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the loads above assume a little-endian machine");

// Compared with itself, moved by one: as quick as memcmp.
inline bool IsZero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes.front() == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// Lower-case hexadecimal, two digits a byte.
std::string Hex(std::string_view bytes);

// At most `limit` bytes of a key for people: printable ASCII as it is, everything else as \xNN.
std::string Printable(std::string_view bytes, size_t limit = 80);

}  // namespace etcdrill
