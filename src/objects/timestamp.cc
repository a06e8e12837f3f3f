#include "objects/timestamp.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

constexpr size_t kSecondsLength = std::string_view("2026-11-27T20:15:13").size();

// Takes the fraction off the front, if there is one.
std::optional<Duration> TakeFraction(std::string_view& text) {
  if (!text.starts_with('.')) return Duration::zero();
  text.remove_prefix(1);
  const size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0) return std::nullopt;
  constexpr size_t kDigits = 9;  // of a nanosecond
  std::string digits(text.substr(0, std::min(length, kDigits)));
  digits.resize(kDigits, '0');
  text.remove_prefix(length);
  return Duration(*ParseNumber<int64_t>(digits));
}

// Z or +HH:MM.
std::optional<Duration> OffsetOf(std::string_view text) {
  if (text == "Z") return Duration::zero();
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = ParseNumber<uint8_t>(text.substr(1, 2));
  const auto minutes = ParseNumber<uint8_t>(text.substr(4, 2));
  if (!hours.has_value() || !minutes.has_value()) return std::nullopt;
  const Duration offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

std::optional<WallTime> ParseTimestamp(std::string_view text) {
  if (text.size() <= kSecondsLength) return std::nullopt;
  const auto seconds = ParseRfc3339(std::string(text.substr(0, kSecondsLength)) + "Z");
  text.remove_prefix(kSecondsLength);
  const auto fraction = TakeFraction(text);
  const auto offset = OffsetOf(text);
  if (!seconds.has_value() || !fraction.has_value() || !offset.has_value()) return std::nullopt;
  return *seconds + *fraction - *offset;
}

}  // namespace etcdrill::objects
