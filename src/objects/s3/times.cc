#include "objects/s3/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "objects/timestamp.h"

namespace etcdrill::objects {
namespace {

// Not by strptime, whose months follow the locale.
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::optional<WallTime> ParseHttpTime(std::string_view text) {
  const std::vector<std::string_view> parts = Split(text, ' ');
  if (parts.size() != 6 || parts[5] != "GMT") return std::nullopt;
  const auto* const month = std::ranges::find(kMonths, parts[2]);
  if (month == kMonths.end()) return std::nullopt;
  return ParseRfc3339(
      fmt::format("{}-{:02}-{}T{}Z", parts[3], month - kMonths.begin() + 1, parts[1], parts[4]));
}

std::optional<WallTime> ParseXmlTime(std::string_view text) {
  const auto time = text.ends_with('Z') ? ParseTimestamp(text) : std::nullopt;
  if (!time.has_value()) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*time);
}

}  // namespace etcdrill::objects
