// Sources: proc(5), /proc/meminfo; the kernel's admin-guide/cgroup-v2, memory.max, memory.current,
// memory.stat; version 1 has other names for the same.
#include "io/memory.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace etcdrill {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// The first number behind `name` in a file of "name number" lines; behind nothing, if `name` is
// empty.
std::optional<uint64_t> NumberIn(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    uint64_t number = 0;
    if (!name.empty() && (!(words >> word) || word != name)) continue;
    if (words >> number) return number;
  }
  return std::nullopt;
}

// The folder of our group: "0::/path" is that of version 2, "4:memory:/path" of version 1.
std::string GroupOf(const std::string& root, const std::string& prefix) {
  std::ifstream file(root + "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t at = line.find(prefix);
    if (at != std::string::npos) return line.substr(at + prefix.size());
  }
  return "/";
}

// What a group leaves; the limit of a parent is not looked at, because a container sees only its
// own.
uint64_t LeftIn(const std::string& dir, const char* limit_name, const char* used_name,
                const char* files_name) {
  const auto limit = NumberIn(dir + "/" + limit_name, "");
  const auto used = NumberIn(dir + "/" + used_name, "");
  if (!limit.has_value() || !used.has_value()) return kNoLimit;
  const uint64_t files = NumberIn(dir + "/memory.stat", files_name).value_or(0);
  const uint64_t taken = *used - std::min(*used, files);
  return *limit - std::min(*limit, taken);
}

}  // namespace

Result<uint64_t> AvailableMemory(const std::string& root) {
  const auto kilobytes = NumberIn(root + "proc/meminfo", "MemAvailable:");
  if (!kilobytes.has_value()) {
    return Error(Reason::kIoError, "read {}proc/meminfo: no MemAvailable", root);
  }
  // In a container, the path may be that of the host while our own group is mounted at the top:
  // both are looked at.
  uint64_t available = *kilobytes << 10;
  const std::string two = root + "sys/fs/cgroup";
  for (const std::string& dir : {two, two + GroupOf(root, "0::")}) {
    available = std::min(available, LeftIn(dir, "memory.max", "memory.current", "inactive_file"));
  }
  const std::string one = two + "/memory";
  for (const std::string& dir : {one, one + GroupOf(root, ":memory:")}) {
    available = std::min(available, LeftIn(dir, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                           "total_inactive_file"));
  }
  return available;
}

void ShareHeaps() { mallopt(M_ARENA_MAX, 2); }

void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace etcdrill
