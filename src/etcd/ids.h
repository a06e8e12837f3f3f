// Ids of clusters and members as text: hexadecimal without leading zeros, as etcdctl prints them
// and manifests hold them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace etcdrill::etcd {

inline std::string IdText(uint64_t id) { return fmt::format("{:x}", id); }

// None if the text is no id; 0 is none either.
inline std::optional<uint64_t> ParseId(std::string_view text) {
  const auto id = ParseNumber<uint64_t>(text, 16);
  return id != uint64_t{0} ? id : std::nullopt;
}

}  // namespace etcdrill::etcd
