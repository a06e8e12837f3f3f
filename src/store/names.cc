// A time in a name is 14 digits, with at most one separator between any two of them.
#include "store/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "base/text.h"

namespace etcdrill::store {
namespace {

constexpr size_t kTimeDigits = 14;
constexpr size_t kUnixTimeDigits = 10;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSeparator(char c) { return std::string_view("-_:.T").find(c) != std::string_view::npos; }

std::optional<WallTime> TimeOfDigits(std::string_view d) {
  return ParseRfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", d.substr(0, 4), d.substr(4, 2),
                                  d.substr(6, 2), d.substr(8, 2), d.substr(10, 2),
                                  d.substr(12, 2)));
}

// Of UTC in front of the time that stands before `rest`, if it says so: Z, +0000, -0800, +05:30.
// Four digits that no zone has are a number of somebody's own.
std::optional<Duration> OffsetAt(std::string_view rest) {
  const auto ends = [&](size_t at) {
    return at == rest.size() || !std::isalnum(static_cast<unsigned char>(rest[at]));
  };
  if (rest.starts_with('Z')) return ends(1) ? std::optional(Duration::zero()) : std::nullopt;
  if (rest.empty() || (rest.front() != '+' && rest.front() != '-')) return std::nullopt;
  std::string digits;
  size_t i = 1;
  for (; i < rest.size() && digits.size() < 4; ++i) {
    if (rest[i] == ':' && digits.size() == 2) continue;
    if (!IsDigit(rest[i])) return std::nullopt;
    digits += rest[i];
  }
  if (digits.size() < 4 || !ends(i)) return std::nullopt;
  const int hours = std::stoi(digits.substr(0, 2));
  const int minutes = std::stoi(digits.substr(2));
  constexpr int kHoursMax = 14;  // Kiribati
  if (hours > kHoursMax || minutes >= 60 || minutes % 15 != 0) return std::nullopt;
  const Duration offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return rest.front() == '+' ? offset : -offset;
}

struct TimeInName {
  WallTime time;          // as it stands there
  std::string_view rest;  // of the name
};

std::optional<TimeInName> TimeIn(std::string_view name) {
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
    if (digits.size() != kTimeDigits || !ends) continue;
    const auto time = TimeOfDigits(digits);
    return time.has_value() ? std::optional(TimeInName{*time, name.substr(i)}) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<WallTime> UnixTimeAtEnd(std::string_view name, std::optional<int64_t> revision) {
  if (name.size() < kUnixTimeDigits) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kUnixTimeDigits);
  if (name.size() > kUnixTimeDigits && IsDigit(name[name.size() - kUnixTimeDigits - 1]))
    return std::nullopt;
  const auto seconds = ParseNumber<int64_t>(tail);
  if (!seconds.has_value()) return std::nullopt;
  // A job may ask for the revision, and then save while others write.
  constexpr int64_t kWrittenMeanwhile = 10'000;
  if (revision.has_value() && *seconds <= *revision && *revision - *seconds <= kWrittenMeanwhile)
    return std::nullopt;
  constexpr int64_t kFirstEtcd3 = 1'467'244'800;  // 2016-06-30
  if (*seconds < kFirstEtcd3) return std::nullopt;
  return WallTime(std::chrono::seconds(*seconds));
}

}  // namespace

constexpr std::string_view kTail = "-dddddddddddddddddddd-ddddddddTddddddZ";  // of a name; d: digit

std::string SnapshotName(std::string_view cluster, int64_t revision, WallTime taken) {
  return fmt::format("{}-{:020}-{}", cluster, revision, FormatCompactUtc(taken));
}

bool IsSnapshotName(std::string_view name) {
  if (name.size() <= kTail.size()) return false;
  const std::string_view tail = name.substr(name.size() - kTail.size());
  for (size_t i = 0; i < kTail.size(); ++i) {
    if (kTail[i] == 'd' ? !IsDigit(tail[i]) : tail[i] != kTail[i]) return false;
  }
  return true;
}

std::string_view ClusterOfName(std::string_view name) {
  return IsSnapshotName(name) ? name.substr(0, name.size() - kTail.size()) : "";
}

NameClaims ClaimsOfName(std::string_view file_name, std::optional<int64_t> of_file) {
  std::string_view name = file_name;
  if (name.ends_with(".db")) name.remove_suffix(3);
  NameClaims claims;
  claims.utc = IsSnapshotName(name);
  if (claims.utc) {
    constexpr size_t kRevisionDigits = 20;
    const size_t time_chars = std::string_view("-20261122T080000Z").size();
    claims.revision = ParseNumber<int64_t>(
        name.substr(name.size() - time_chars - kRevisionDigits, kRevisionDigits));
    name.remove_prefix(name.size() - time_chars);
  }
  if (const auto found = TimeIn(name)) {
    const auto offset = OffsetAt(found->rest);
    claims.taken = found->time - offset.value_or(Duration::zero());
    claims.utc |= offset.has_value();
  } else {
    claims.taken = UnixTimeAtEnd(name, of_file);
    claims.utc |= claims.taken.has_value();
  }
  return claims;
}

WallTime TakenAt(std::string_view file_name, WallTime modified, std::optional<int64_t> revision) {
  const NameClaims claims = ClaimsOfName(file_name, revision);
  return claims.taken.has_value() && claims.utc ? std::min(*claims.taken, modified) : modified;
}

}  // namespace etcdrill::store
