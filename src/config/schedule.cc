// Days are walked one by one; the minutes of a day are a table.
#include "config/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/text.h"
#include "base/units.h"

namespace etcdrill::config {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::sys_days;

constexpr std::string_view kEvery = "@every ";
constexpr std::string_view kHowTo =
    "write \"@every 1h\", or five fields of cron in UTC such as \"15 3 * * *\", or none";
// 29 February comes after eight years at the latest.
constexpr days kHorizon{366 * 8};

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

struct FieldKind {
  std::string_view name;
  unsigned least;
  unsigned most;
  std::span<const std::string_view> names;  // the first stands for `least`
};
const std::array kFields = {FieldKind{"minute", 0, 59, {}}, FieldKind{"hour", 0, 23, {}},
                            FieldKind{"day of month", 1, 31, {}},
                            FieldKind{"month", 1, 12, kMonths},
                            FieldKind{"day of week", 0, 7, kWeekdays}};

std::optional<unsigned> ParseValue(std::string_view text, const FieldKind& kind) {
  for (size_t i = 0; i < kind.names.size(); ++i) {
    const bool same =
        std::equal(text.begin(), text.end(), kind.names[i].begin(), kind.names[i].end(),
                   [](char a, char b) { return (a | 0x20) == b; });
    if (same) return kind.least + static_cast<unsigned>(i);
  }
  const auto number = ParseNumber<unsigned>(text);
  return number.has_value() && *number >= kind.least && *number <= kind.most ? number
                                                                             : std::nullopt;
}

using FieldValues = std::bitset<60>;

// One of: *, V, V-V, and with a step: */S, V-V/S.
bool AddRange(std::string_view text, const FieldKind& kind, FieldValues& out) {
  const std::vector<std::string_view> parts = Split(text, '/');
  const std::vector<std::string_view> ends = Split(parts[0], '-');
  const bool all = parts[0] == "*";
  if (parts.size() > 2 || ends.size() > 2) return false;
  const auto first = all ? std::optional(kind.least) : ParseValue(ends.front(), kind);
  const auto last = all ? std::optional(kind.most) : ParseValue(ends.back(), kind);
  const bool has_step = parts.size() == 2;
  const auto step = has_step ? ParseNumber<unsigned>(parts[1]) : std::optional(1U);
  if (!first.has_value() || !last.has_value() || !step.has_value() || *first > *last || *step == 0)
    return false;
  if (has_step && !all && ends.size() == 1) return false;
  for (unsigned value = *first; value <= *last; value += *step) out.set(value);
  return true;
}

Result<FieldValues> ParseField(std::string_view text, const FieldKind& kind) {
  FieldValues values;
  for (const std::string_view range : Split(text, ',')) {
    if (!AddRange(range, kind, values)) {
      return Error(Reason::kConfig, "\"{}\" is not a {} of cron ({} to {})", text, kind.name,
                   kind.least, kind.most);
    }
  }
  return values;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words = Split(text, ' ');
  std::erase(words, "");
  return words;
}

}  // namespace

Result<CronTimes> CronTimes::Parse(std::string_view text) {
  const std::vector<std::string_view> words = Words(text);
  if (words.size() != kFields.size()) {
    return Error(Reason::kConfig, "\"{}\" is not a schedule; {}", text, kHowTo);
  }
  std::array<FieldValues, kFields.size()> fields;
  for (size_t i = 0; i < kFields.size(); ++i) {
    ASSIGN_OR_RETURN(fields[i], ParseField(words[i], kFields[i]));
  }
  CronTimes times;
  for (size_t minute = 0; minute < times.minutes_.size(); ++minute) {
    times.minutes_[minute] = fields[1][minute / 60] && fields[0][minute % 60];
  }
  for (size_t day = 1; day < times.days_.size(); ++day) times.days_[day] = fields[2][day];
  for (size_t month = 1; month < times.months_.size(); ++month)
    times.months_[month] = fields[3][month];
  for (size_t day = 0; day <= 7; ++day) {
    if (fields[4][day]) times.weekdays_.set(day % 7);
  }
  times.either_day_ = !words[2].starts_with('*') && !words[4].starts_with('*');
  const sys_days begin{};
  if (times.FirstDay(begin) >= begin + kHorizon) {
    return Error(Reason::kConfig, "\"{}\" matches no date", text);
  }
  return times;
}

bool CronTimes::Includes(sys_days day) const {
  const std::chrono::year_month_day date(day);
  const bool month_day = days_[static_cast<unsigned>(date.day())];
  const bool week_day = weekdays_[std::chrono::weekday(day).c_encoding()];
  return months_[static_cast<unsigned>(date.month())] &&
         (either_day_ ? month_day || week_day : month_day && week_day);
}

sys_days CronTimes::FirstDay(sys_days day) const {
  const sys_days end = day + kHorizon;
  while (day < end && !Includes(day)) day += days(1);
  return day;
}

WallTime CronTimes::NextAfter(WallTime time) const {
  const sys_days today = std::chrono::floor<days>(time);
  if (Includes(today)) {
    for (minutes at = std::chrono::floor<minutes>(time - today) + minutes(1); at < days(1);
         at += minutes(1)) {
      if (minutes_[static_cast<size_t>(at.count())]) return today + at;
    }
  }
  return FirstDay(today + days(1)) + minutes(static_cast<int64_t>(minutes_._Find_first()));
}

Duration CronTimes::LongestGap() const {
  const size_t first = minutes_._Find_first();
  size_t last = first;
  size_t gap = 0;  // within a day, in minutes
  for (size_t at = first; at < minutes_.size(); at = minutes_._Find_next(at)) {
    gap = std::max(gap, at - last);
    last = at;
  }
  days day_gap{0};
  const sys_days begin = FirstDay(sys_days());
  for (sys_days day = begin; day < begin + kHorizon;) {
    const sys_days next = FirstDay(day + days(1));
    day_gap = std::max(day_gap, next - day);
    day = next;
  }
  const auto between = minutes(day_gap) - minutes(static_cast<int64_t>(last - first));
  return std::max(between, minutes(static_cast<int64_t>(gap)));
}

Result<std::optional<Schedule>> ParseSchedule(std::string_view text) {
  if (text == "none") return std::nullopt;
  if (!text.starts_with(kEvery)) {
    ASSIGN_OR_RETURN(const CronTimes times, CronTimes::Parse(text));
    return Schedule{.text = std::string(text), .cron = times};
  }
  ASSIGN_OR_RETURN(const Duration every, ParseDuration(text.substr(kEvery.size())));
  if (every <= Duration::zero())
    return Error(Reason::kConfig, "must be greater than 0, such as 30m");
  return Schedule{.text = std::string(text), .every = every};
}

Schedule Every(Duration interval) {
  return {.text = fmt::format("@every {}", FormatDuration(interval)), .every = interval};
}

}  // namespace etcdrill::config
