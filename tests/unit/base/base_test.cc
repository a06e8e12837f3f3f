// Errors, units, times, log lines.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <set>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "base/units.h"
#include "support/catch.h"

namespace etcdrill {
namespace {

using namespace std::chrono_literals;

TEST_CASE("an error keeps its reason through annotations") {
  const Status inner = Error(Reason::kNoSpace, "the disk is full");
  const Status outer = Annotate(inner, "while saving");
  CHECK(ReasonOf(outer) == Reason::kNoSpace);
  CHECK(Is(outer, Reason::kNoSpace));
  CHECK_FALSE(Is(outer, Reason::kBusy));
  CHECK_FALSE(Is(OkStatus(), Reason::kNoSpace));
  CHECK(MessageOf(outer) == "while saving: the disk is full");
  CHECK(Annotate(OkStatus(), "context").ok());
}

TEST_CASE("every reason has its own name, a label and an exit code") {
  std::set<std::string_view> names;
  for (const ReasonInfo& info : AllReasons()) {
    CAPTURE(info.name);
    CHECK(names.insert(info.name).second);
    CHECK_FALSE(info.metric_label.empty());
    CHECK_FALSE(info.meaning.empty());
    CHECK(ExitCodeOf(Error(info.reason, "x")) == info.exit_code);
    CHECK(info.exit_code != ExitCode::kOk);
  }
}

TEST_CASE("errno values that a user can act on have their own reason") {
  const auto [number, reason] = GENERATE(table<int, Reason>({{ENOSPC, Reason::kNoSpace},
                                                             {EDQUOT, Reason::kNoSpace},
                                                             {EROFS, Reason::kReadOnly},
                                                             {EACCES, Reason::kAccessDenied},
                                                             {ENOENT, Reason::kNotFound},
                                                             {EMFILE, Reason::kTooManyFiles},
                                                             {EIO, Reason::kIoError}}));
  const Status status = ErrorFromErrno(number, "write", "/x");
  CHECK(ReasonOf(status) == reason);
  CHECK(MessageOf(status).starts_with("write /x: "));
  CHECK(MessageOf(status).ends_with("of the unit") == (number == EROFS));
  CHECK(MessageOf(status).ends_with("mode of the path") == (number == EACCES));
}

TEST_CASE("durations") {
  CHECK(*ParseDuration("90s") == 90s);
  CHECK(*ParseDuration("1h30m") == 90min);
  CHECK(*ParseDuration("250ms") == 250ms);
  CHECK(*ParseDuration("1.5h") == 90min);
  CHECK(*ParseDuration("7d") == 168h);
  const std::string bad =
      GENERATE("", "5", "s", "-1s", "1x", "1h 30m", "1e3s", "nan", "999999999d", "1hm", "-0s");
  CAPTURE(bad);
  CHECK_FALSE(ParseDuration(bad).ok());
}

TEST_CASE("sizes") {
  CHECK(*ParseSize("512B") == 512);
  CHECK(*ParseSize("1.5KiB") == 1536);
  CHECK(*ParseSize("2GB") == 2'000'000'000);
  CHECK(*ParseSize("2GiB") == uint64_t{2} << 30);
  const std::string bad = GENERATE("", "5", "GB", "-1GB", "1gb", "1 GB", "1e3B", "nanB", "1000TB");
  CAPTURE(bad);
  CHECK_FALSE(ParseSize(bad).ok());
}

TEST_CASE("durations and sizes for people") {
  CHECK(FormatDuration(15ms) == "15ms");
  CHECK(FormatDuration(90s) == "1m30s");
  CHECK(FormatDuration(90min) == "1h30m");
  CHECK(FormatDuration(50h) == "2d2h");
  CHECK(FormatDuration(720h) == "30d");
  CHECK(FormatDuration(2min) == "2m");
  CHECK(FormatSize(512) == "512 B");
  CHECK(FormatSize(1536) == "1.5 KiB");
}

TEST_CASE("times survive being written and read") {
  const WallTime t = WallTime(1'795'339'107s);
  CHECK(FormatRfc3339(t) == "2026-11-22T09:18:27Z");
  CHECK(FormatCompactUtc(t) == "20261122T091827Z");
  CHECK(ParseRfc3339(FormatRfc3339(t)) == t);
  CHECK_FALSE(ParseRfc3339("yesterday").has_value());
  CHECK_FALSE(ParseRfc3339("2026-11-22T09:18:27Z and more").has_value());
}

TEST_CASE("a sleep ends when a stop is requested") {
  const auto clock = MakeSystemClock();
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(clock->SleepFor(1h, stop.get_token()));
  CHECK(clock->SleepFor(1ms, {}));
}

std::string Logged(LogFormat format) {
  int fds[2];
  REQUIRE(pipe(fds) == 0);
  const auto clock = MakeSystemClock();
  Logger log(LogLevel::kInfo, format, *clock, fds[1]);
  log.Debug("not shown");
  log.Warn("a thing happened",
           {{"path", "/a b"}, {"n", 3}, {"took", Duration(1500ms)}, {"err", "say \"no\"\n"}});
  CHECK(log.Count(LogLevel::kWarn) == 1);
  CHECK(log.Count(LogLevel::kError) == 0);
  char text[1024];
  const ssize_t n = read(fds[0], text, sizeof text);
  close(fds[0]);
  close(fds[1]);
  return {text, static_cast<size_t>(n)};
}

TEST_CASE("log lines quote what needs it") {
  CHECK_THAT(Logged(LogFormat::kLogfmt),
             Catch::Matchers::Matches(
                 R"(ts=\S+ level=warn msg="a thing happened" path="/a b" n=3 took=1.500 )"
                 R"(err="say \\"no\\"\\n"\n)"));
  CHECK_THAT(Logged(LogFormat::kJson),
             Catch::Matchers::Matches(
                 R"(\{"ts":"\S+","level":"warn","msg":"a thing happened","path":"/a b","n":3,)"
                 R"("took":1.500,"err":"say \\"no\\"\\n"\}\n)"));
}

TEST_CASE("lines for the journal begin with their priority, and only those") {
  int fds[2];
  REQUIRE(pipe(fds) == 0);
  struct stat at {};
  REQUIRE(fstat(fds[1], &at) == 0);
  const auto clock = MakeSystemClock();
  Logger log(LogLevel::kDebug, LogFormat::kLogfmt, *clock, fds[1]);
  setenv("JOURNAL_STREAM", fmt::format("{}:{}", at.st_dev, at.st_ino).c_str(), 1);
  log.Debug("a");
  log.Info("a");
  log.Warn("a");
  log.Error("a");
  setenv("JOURNAL_STREAM", fmt::format("{}:{}", at.st_dev, at.st_ino + 1).c_str(), 1);
  log.Error("a");
  unsetenv("JOURNAL_STREAM");
  log.Error("a");
  char text[1024];
  const ssize_t n = read(fds[0], text, sizeof text);
  close(fds[0]);
  close(fds[1]);
  const std::string written(text, static_cast<size_t>(n));
  CHECK_THAT(written,
             Catch::Matchers::Matches("<7>ts=.*\n<6>ts=.*\n<4>ts=.*\n<3>ts=.*\nts=.*\nts=.*\n"));
}

TEST_CASE("bytes for people") {
  CHECK(Hex(std::string_view("\x00\xff", 2)) == "00ff");
  CHECK(Printable("a\nb") == "a\\x0ab");
  CHECK(Printable("abcdef", 3) == "abc...");
}

}  // namespace
}  // namespace etcdrill
