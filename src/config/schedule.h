// When a task is due: "@every 1h", or the five fields of cron in UTC (crontab(5) of Debian: lists,
// ranges, steps, names; where both day fields are restricted, either one is enough). UTC because a
// local time of day comes twice, or not at all, when the clocks change.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill::config {

// A set of points in time. Immutable.
class CronTimes {
 public:
  // kConfig, with the field that is wrong; times that never come, such as 31 February, are refused.
  static Result<CronTimes> Parse(std::string_view text);

  WallTime NextAfter(WallTime time) const;
  Duration LongestGap() const;

 private:
  bool Includes(std::chrono::sys_days day) const;
  // The first day that matches, from `day` on.
  std::chrono::sys_days FirstDay(std::chrono::sys_days day) const;

  std::bitset<size_t{24} * 60> minutes_;  // of a day that matches
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;  // 0 is Sunday
  bool either_day_ = false;  // a day of the month or of the week, instead of both
};

struct Schedule {
  std::string text;               // as in the file
  Duration every{};               // of "@every", or
  std::optional<CronTimes> cron;  // this

  // The longest time between two runs.
  Duration LongestGap() const { return cron.has_value() ? cron->LongestGap() : every; }
};

// "none" gives none.
Result<std::optional<Schedule>> ParseSchedule(std::string_view text);
Schedule Every(Duration interval);

}  // namespace etcdrill::config
