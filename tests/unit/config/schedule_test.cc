// Times of cron, against a walk through the minutes; texts that are none.
#include "config/schedule.h"

#include "support/catch.h"

namespace etcdrill::config {
namespace {

using namespace std::chrono_literals;

WallTime Utc(const std::string& text) { return *ParseRfc3339(text); }

std::string NextAfter(std::string_view cron, const std::string& time) {
  const auto times = CronTimes::Parse(cron);
  REQUIRE(times.ok());
  return FormatRfc3339(times->NextAfter(Utc(time)));
}

std::string ScheduleProblem(std::string_view text) {
  const auto schedule = ParseSchedule(text);
  REQUIRE_FALSE(schedule.ok());
  CHECK(ReasonOf(schedule.status()) == Reason::kConfig);
  return std::string(MessageOf(schedule.status()));
}

TEST_CASE("the next time of cron") {
  // 2026-11-22 is a Sunday.
  CHECK(NextAfter("* * * * *", "2026-11-22T08:00:00Z") == "2026-11-22T08:01:00Z");
  CHECK(NextAfter("0 * * * *", "2026-11-22T08:00:00Z") == "2026-11-22T09:00:00Z");
  CHECK(NextAfter("0 * * * *", "2026-11-22T07:59:59Z") == "2026-11-22T08:00:00Z");
  CHECK(NextAfter("*/15 3-4 * * *", "2026-11-22T04:45:00Z") == "2026-11-23T03:00:00Z");
  CHECK(NextAfter("5,10-20/5 8 * * *", "2026-11-22T08:10:30Z") == "2026-11-22T08:15:00Z");
  CHECK(NextAfter("30 2 * * mon-fri", "2026-11-20T02:30:00Z") == "2026-11-23T02:30:00Z");
  CHECK(NextAfter("0 0 * * 7", "2026-11-22T00:00:00Z") == "2026-11-29T00:00:00Z");
  CHECK(NextAfter("0 0 * * SUN", "2026-11-21T00:00:00Z") == "2026-11-22T00:00:00Z");
  CHECK(NextAfter("0 0 31 * *", "2026-11-22T00:00:00Z") == "2026-12-31T00:00:00Z");
  CHECK(NextAfter("0 0 1 Jan *", "2026-11-22T00:00:00Z") == "2027-01-01T00:00:00Z");
  CHECK(NextAfter("0 0 29 2 *", "2026-11-22T00:00:00Z") == "2028-02-29T00:00:00Z");
  CHECK(NextAfter("0 0 29 2 *", "2096-02-29T00:00:00Z") == "2104-02-29T00:00:00Z");
  // Both kinds of day: either one. With a star in one of them: both.
  CHECK(NextAfter("0 0 13 * fri", "2026-11-22T00:00:00Z") == "2026-11-27T00:00:00Z");
  CHECK(NextAfter("0 0 13 * fri", "2026-12-11T00:00:00Z") == "2026-12-13T00:00:00Z");
  CHECK(NextAfter("0 0 */2 * fri", "2026-11-22T00:00:00Z") == "2026-11-27T00:00:00Z");
  CHECK(NextAfter("0 0 */2 * fri", "2026-11-27T00:00:00Z") == "2026-12-11T00:00:00Z");
}

TEST_CASE("no time of cron is left out, and none is invented") {
  // Each is true for the minutes that its schedule names.
  const std::string cron =
      GENERATE("*/7 */5 * * *", "59 23 * * *", "0,30 0 1,15 * *", "10-12 6 * 2-3 1");
  const auto times = CronTimes::Parse(cron);
  REQUIRE(times.ok());
  const auto includes = [&](WallTime minute) {
    const auto day = std::chrono::floor<std::chrono::days>(minute);
    const std::chrono::year_month_day date(day);
    const auto of_day = std::chrono::duration_cast<std::chrono::minutes>(minute - day).count();
    const unsigned day_of_month = static_cast<unsigned>(date.day());
    const unsigned month = static_cast<unsigned>(date.month());
    if (cron.starts_with("*/7")) return of_day % 60 % 7 == 0 && of_day / 60 % 5 == 0;
    if (cron.starts_with("59")) return of_day == 23 * 60 + 59;
    if (cron.starts_with("0,30"))
      return (day_of_month == 1 || day_of_month == 15) && (of_day == 0 || of_day == 30);
    return month >= 2 && month <= 3 && std::chrono::weekday(day) == std::chrono::Monday &&
           of_day >= 370 && of_day <= 372;
  };
  WallTime next = times->NextAfter(Utc("2027-12-31T23:59:00Z"));
  for (WallTime minute = Utc("2028-01-01T00:00:00Z"); minute < Utc("2028-04-01T00:00:00Z");
       minute += 1min) {
    if (includes(minute) != (minute == next)) FAIL(FormatRfc3339(minute));
    if (minute == next) next = times->NextAfter(minute);
  }
}

TEST_CASE("the longest gap") {
  const auto gap = [](std::string_view text) { return (*ParseSchedule(text))->LongestGap(); };
  CHECK(gap("@every 90s") == 90s);
  CHECK(gap("* * * * *") == 1min);
  CHECK(gap("*/25 * * * *") == 25min);
  CHECK(gap("0 3 * * *") == 24h);
  CHECK(gap("0 8,20 * * *") == 12h);
  CHECK(gap("0 9-17 * * *") == 16h);
  CHECK(gap("0 3 * * mon-fri") == 72h);
  CHECK(gap("0 0 1 * *") == 31 * 24h);
}

TEST_CASE("what is no schedule is refused with what would be one") {
  CHECK((*ParseSchedule("@every 1h30m"))->every == 90min);
  CHECK_FALSE(ParseSchedule("none")->has_value());
  for (const char* text : {"hourly", "", "* * * *", "* * * * * *", "@hourly"}) {
    CHECK_THAT(ScheduleProblem(text), Catch::Matchers::ContainsSubstring("15 3 * * *"));
  }
  CHECK_THAT(ScheduleProblem("@every 0s"), Catch::Matchers::ContainsSubstring("greater than 0"));
  CHECK_THAT(ScheduleProblem("60 * * * *"),
             Catch::Matchers::ContainsSubstring("\"60\" is not a minute of cron (0 to 59)"));
  CHECK_THAT(ScheduleProblem("* 24 * * *"), Catch::Matchers::ContainsSubstring("hour"));
  CHECK_THAT(ScheduleProblem("* * 0 * *"), Catch::Matchers::ContainsSubstring("day of month"));
  CHECK_THAT(ScheduleProblem("* * * foo *"), Catch::Matchers::ContainsSubstring("month"));
  CHECK_THAT(ScheduleProblem("* * * * 8"), Catch::Matchers::ContainsSubstring("day of week"));
  for (const char* text :
       {"*/0 * * * *", "5-1 * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "5/10 * * * *", ", * * * *",
        "-1 * * * *", "1.5 * * * *", "*-5 * * * *", "+5 * * * *"}) {
    CHECK_THAT(ScheduleProblem(text),
               Catch::Matchers::ContainsSubstring("is not a minute of cron"));
  }
  CHECK_THAT(ScheduleProblem("0 0 31 2 *"), Catch::Matchers::EndsWith("matches no date"));
}

}  // namespace
}  // namespace etcdrill::config
