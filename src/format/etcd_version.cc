#include "format/etcd_version.h"

#include <charconv>

namespace etcdrill {

namespace {

struct Release {
  int minor = 0;
  std::optional<int> patch;
};

// Takes a number off the front of `text`, which ends there or goes on with `.` or `-`.
std::optional<int> TakeNumber(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = end == text.data() + text.size() || *end == '.' || *end == '-';
  if (error != std::errc() || number < 0 || !whole) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

std::optional<Release> ReleaseOf(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  if (!version.starts_with("3.")) return std::nullopt;
  version.remove_prefix(2);
  const auto minor = TakeNumber(version);
  if (!minor.has_value()) return std::nullopt;
  Release release{.minor = *minor};
  if (version.starts_with('.')) {
    version.remove_prefix(1);
    release.patch = TakeNumber(version);
  }
  return release;
}

constexpr int kFirstPatchOf34 = 34;
constexpr int kFirstPatchOf35 = 16;

}  // namespace

std::optional<int> EtcdMinorOf(std::string_view version) {
  const auto release = ReleaseOf(version);
  return release.has_value() ? std::optional(release->minor) : std::nullopt;
}

std::optional<HashRule> HashRuleOf(std::string_view version) {
  const auto release = ReleaseOf(version);
  if (!release.has_value()) return std::nullopt;
  if (release->minor > 5) return HashRule::kSince3434;
  if (release->minor < 4) return HashRule::kOlder;
  if (!release->patch.has_value()) return std::nullopt;
  return *release->patch >= (release->minor == 4 ? kFirstPatchOf34 : kFirstPatchOf35)
             ? HashRule::kSince3434
             : HashRule::kOlder;
}

}  // namespace etcdrill
