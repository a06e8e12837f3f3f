#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace etcdrill {
namespace {

struct Unit {
  std::string_view name;
  double size;
};
constexpr std::array kTimeUnits = {Unit{"ns", 1e-9}, Unit{"us", 1e-6}, Unit{"ms", 1e-3},
                                   Unit{"s", 1},     Unit{"m", 60},    Unit{"h", 3600},
                                   Unit{"d", 86400}};
constexpr double kLongestSeconds = 100.0 * 366 * 86400;
constexpr std::array kSizeUnits = {Unit{"B", 1},        Unit{"kB", 1e3},     Unit{"MB", 1e6},
                                   Unit{"GB", 1e9},     Unit{"TB", 1e12},    Unit{"KiB", 0x1p10},
                                   Unit{"MiB", 0x1p20}, Unit{"GiB", 0x1p30}, Unit{"TiB", 0x1p40}};
constexpr double kLargestSize = 1e15;

// Takes "1.5GB" from the text: the number times its unit, or nothing.
std::optional<double> TakeQuantity(std::string_view& text, std::span<const Unit> units) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || std::signbit(number)) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  const std::string_view name = text.substr(0, text.find_first_of("0123456789."));
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end()) return std::nullopt;
  text.remove_prefix(name.size());
  return number * unit->size;
}

Status BadDuration(std::string_view text) {
  return Error(
      Reason::kUsage,
      "\"{}\" is not a duration; write a number with a unit, such as 90s, 15m, 1h30m or 7d", text);
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  double seconds = 0;
  if (rest.empty()) return BadDuration(text);
  while (!rest.empty()) {
    const auto part = TakeQuantity(rest, kTimeUnits);
    if (!part.has_value()) return BadDuration(text);
    seconds += *part;
  }
  if (seconds > kLongestSeconds) return BadDuration(text);
  return Duration(std::llround(seconds * 1e9));
}

Result<uint64_t> ParseSize(std::string_view text) {
  std::string_view rest = text;
  const auto bytes = TakeQuantity(rest, kSizeUnits);
  if (bytes.has_value() && rest.empty() && *bytes < kLargestSize)
    return static_cast<uint64_t>(std::llround(*bytes));
  return Error(Reason::kUsage,
               "\"{}\" is not a size; write a number with a unit, such as 512MiB or 2GB", text);
}

std::string FormatDuration(Duration d) {
  const double seconds = SecondsOf(d);
  if (seconds < 1) return fmt::format("{:.0f}ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto total = static_cast<int64_t>(seconds);
  const int64_t days = total / 86400;
  const int64_t hours = total / 3600 % 24;
  const int64_t minutes = total / 60 % 60;
  const auto both = [](int64_t large, char unit, int64_t small, char small_unit) {
    return small == 0 ? fmt::format("{}{}", large, unit)
                      : fmt::format("{}{}{}{}", large, unit, small, small_unit);
  };
  if (days > 0) return both(days, 'd', hours, 'h');
  if (hours > 0) return both(hours, 'h', minutes, 'm');
  return both(minutes, 'm', total % 60, 's');
}

std::string FormatSize(uint64_t bytes) {
  constexpr std::array kNames = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t name = 0;
  for (; value >= 1024 && name + 1 < kNames.size(); ++name) value /= 1024;
  return fmt::format("{:.1f} {}", value, kNames[name]);
}

}  // namespace etcdrill
