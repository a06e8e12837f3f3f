#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace etcdrill {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view name;
  Duration size;
};
constexpr std::array kUnits = {Unit{"ns", 1ns}, Unit{"us", 1us}, Unit{"ms", 1ms}, Unit{"s", 1s},
                               Unit{"m", 1min}, Unit{"h", 1h},   Unit{"d", 24h}};
constexpr double kLongestSeconds = 100.0 * 366 * 86400;

struct SizeUnit {
  std::string_view name;
  double bytes;
};
constexpr std::array kSizeUnits = {
    SizeUnit{"B", 1},        SizeUnit{"kB", 1e3},     SizeUnit{"MB", 1e6},
    SizeUnit{"GB", 1e9},     SizeUnit{"TB", 1e12},    SizeUnit{"KiB", 0x1p10},
    SizeUnit{"MiB", 0x1p20}, SizeUnit{"GiB", 0x1p30}, SizeUnit{"TiB", 0x1p40}};
constexpr double kLargestSize = 1e15;

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
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || std::signbit(number))
      return BadDuration(text);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789."));
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (candidate.name == name) unit = &candidate;
    }
    if (unit == nullptr) return BadDuration(text);
    seconds += number * SecondsOf(unit->size);
    rest.remove_prefix(name.size());
  }
  if (seconds > kLongestSeconds) return BadDuration(text);
  return Duration(std::llround(seconds * 1e9));
}

Result<uint64_t> ParseSize(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view name = text.substr(static_cast<size_t>(end - text.data()));
  for (const SizeUnit& unit : kSizeUnits) {
    const double bytes = number * unit.bytes;
    if (error == std::errc() && unit.name == name && bytes >= 0 && bytes < kLargestSize) {
      return static_cast<uint64_t>(std::llround(bytes));
    }
  }
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
  if (days > 0) return fmt::format("{}d{}h", days, hours);
  if (hours > 0) return fmt::format("{}h{}m", hours, minutes);
  return fmt::format("{}m{}s", minutes, total % 60);
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
