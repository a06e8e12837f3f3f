// Ids of clusters and members as text: hexadecimal without leading zeros, as etcdctl prints them
// and manifests hold them.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etcdrill::etcd {

inline std::string IdText(uint64_t id) { return fmt::format("{:x}", id); }

// None if the text is no id; 0 is none either.
inline std::optional<uint64_t> ParseId(std::string_view text) {
  uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, id, 16);
  return error == std::errc() && rest == end && id != 0 ? std::optional(id) : std::nullopt;
}

}  // namespace etcdrill::etcd
