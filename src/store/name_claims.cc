// A time in a name is 14 digits, with at most one separator between any two of them.
#include "store/name_claims.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "store/manifest.h"

namespace etcdrill::store {
namespace {

constexpr size_t kTimeDigits = 14;
constexpr size_t kUnixTimeDigits = 10;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSeparator(char c) { return std::string_view("-_:.T").find(c) != std::string_view::npos; }

std::optional<WallTime> TimeOfDigits(std::string_view d) {
  return ParseRfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", d.substr(0, 4), d.substr(4, 2), d.substr(6, 2), d.substr(8, 2),
                                  d.substr(10, 2), d.substr(12, 2)));
}

std::optional<WallTime> TimeIn(std::string_view name) {
  for (size_t start = 0; start < name.size(); ++start) {
    if (!name.substr(start).starts_with("20") || (start > 0 && IsDigit(name[start - 1]))) continue;
    std::string digits;
    size_t i = start;
    for (; i < name.size() && digits.size() < kTimeDigits; ++i) {
      if (IsDigit(name[i])) {
        digits += name[i];
      } else if (!IsSeparator(name[i]) || !IsDigit(name[i - 1])) {
        break;
      }
    }
    const bool ends = i == name.size() || !IsDigit(name[i]);
    if (digits.size() == kTimeDigits && ends) return TimeOfDigits(digits);
  }
  return std::nullopt;
}

std::optional<WallTime> UnixTimeAtEnd(std::string_view name) {
  if (name.size() < kUnixTimeDigits) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kUnixTimeDigits);
  if (name.size() > kUnixTimeDigits && IsDigit(name[name.size() - kUnixTimeDigits - 1])) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), seconds);
  if (error != std::errc() || end != tail.data() + tail.size() || tail.front() == '0') return std::nullopt;
  return WallTime(std::chrono::seconds(seconds));
}

}  // namespace

NameClaims ClaimsOfName(std::string_view file_name) {
  std::string_view name = file_name;
  if (name.ends_with(".db")) name.remove_suffix(3);
  NameClaims claims;
  claims.utc = IsSnapshotName(name);
  if (claims.utc) {
    constexpr size_t kRevisionDigits = 20;
    const size_t time_chars = std::string_view("-20261122T080000Z").size();
    const std::string_view digits = name.substr(name.size() - time_chars - kRevisionDigits, kRevisionDigits);
    int64_t revision = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), revision).ec == std::errc()) {
      claims.revision = revision;
    }
    name.remove_prefix(name.size() - time_chars);
  }
  claims.taken = TimeIn(name);
  if (!claims.taken.has_value()) {
    claims.taken = UnixTimeAtEnd(name);
    claims.utc |= claims.taken.has_value();
  }
  return claims;
}

}  // namespace etcdrill::store
