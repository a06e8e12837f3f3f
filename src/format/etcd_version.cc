// See etcd_version.h.
#include "format/etcd_version.h"

#include <charconv>

namespace etcdrill {

std::optional<int> EtcdMinorOf(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  if (!version.starts_with("3.")) return std::nullopt;
  version.remove_prefix(2);
  int minor = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), minor);
  const bool whole = end == version.data() + version.size() || *end == '.' || *end == '-';
  if (error != std::errc() || minor < 0 || !whole) return std::nullopt;
  return minor;
}

}  // namespace etcdrill
