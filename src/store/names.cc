#include "store/names.h"

#include <fmt/format.h>

namespace etcdrill::store {
namespace {

constexpr std::string_view kTail = "-dddddddddddddddddddd-ddddddddTddddddZ";  // of a name; d: digit

}  // namespace

std::string SnapshotName(std::string_view cluster, int64_t revision, WallTime taken) {
  return fmt::format("{}-{:020}-{}", cluster, revision, FormatCompactUtc(taken));
}

bool IsSnapshotName(std::string_view name) {
  if (name.size() <= kTail.size()) return false;
  const std::string_view tail = name.substr(name.size() - kTail.size());
  for (size_t i = 0; i < kTail.size(); ++i) {
    const bool digit = tail[i] >= '0' && tail[i] <= '9';
    if (kTail[i] == 'd' ? !digit : tail[i] != kTail[i]) return false;
  }
  return true;
}

std::string_view ClusterOfName(std::string_view name) {
  return IsSnapshotName(name) ? name.substr(0, name.size() - kTail.size()) : "";
}

}  // namespace etcdrill::store
