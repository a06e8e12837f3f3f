// Formatting of log lines. A line is written with one write(2), so lines of several processes on one pipe stay whole.
// A service's lines begin with their priority, which journald takes off (sd-daemon(3)): `journalctl -p warning` works.
#include "base/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace etcdrill {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> kPriorities = {"<7>", "<6>", "<4>", "<3>"};  // of syslog, by level
constexpr size_t kLineBytesMax = 8192;

// Whether what is written to `fd` reaches journald: JOURNAL_STREAM names the socket that it gave us (systemd.exec(5)),
// and a program that we are started by may have led our output elsewhere.
bool IsJournal(int fd) {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat at {};
  return stream != nullptr && fstat(fd, &at) == 0 && stream == fmt::format("{}:{}", at.st_dev, at.st_ino);
}

// A JSON string literal; logfmt accepts the same quoting.
void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

bool IsPlainWord(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"=\\\n\t") == std::string_view::npos;
}

void AppendField(std::string& line, LogFormat format, const LogField& field) {
  if (format == LogFormat::kJson) {
    if (line.size() > 1) line.push_back(',');
    AppendQuoted(line, field.key);
    line.push_back(':');
  } else {
    if (!line.empty()) line.push_back(' ');
    line.append(field.key);
    line.push_back('=');
  }
  const bool bare = !field.quoted || (format == LogFormat::kLogfmt && IsPlainWord(field.value));
  if (bare) {
    line += field.value;
  } else {
    AppendQuoted(line, field.value);
  }
}

template <typename T, size_t N>
Result<T> ParseName(std::string_view name, const std::array<std::string_view, N>& names, std::string_view what) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<T>(i);
  }
  return Error(Reason::kUsage, fmt::format("\"{}\" is not a {}; use one of {}", name, what, fmt::join(names, ", ")));
}

}  // namespace

LogField::LogField(std::string_view k, Duration d)
    : key(k), value(fmt::format("{:.3f}", SecondsOf(d))), quoted(false) {}

Result<LogLevel> ParseLogLevel(std::string_view name) { return ParseName<LogLevel>(name, kLevelNames, "log level"); }

Result<LogFormat> ParseLogFormat(std::string_view name) {
  return ParseName<LogFormat>(name, std::array<std::string_view, 2>{"logfmt", "json"}, "log format");
}

Logger Logger::With(LogField field) const {
  Logger child = *this;
  child.common_.push_back(std::move(field));
  return child;
}

void Logger::Write(LogLevel level, std::string_view message, Fields fields) {
  if (level < sink_->level) return;
  ++sink_->counts[static_cast<size_t>(level)];
  const LogFormat format = sink_->format;
  std::string line = format == LogFormat::kJson ? "{" : "";
  AppendField(line, format, {"ts", FormatRfc3339(sink_->clock.Now())});
  AppendField(line, format, {"level", kLevelNames[static_cast<size_t>(level)]});
  AppendField(line, format, {"msg", message});
  for (const LogField& field : common_) AppendField(line, format, field);
  for (const LogField& field : fields) {
    if (line.size() + field.value.size() > kLineBytesMax) break;  // a whole line without its tail beats a cut one
    AppendField(line, format, field);
  }
  if (format == LogFormat::kJson) line.push_back('}');
  line.push_back('\n');
  if (IsJournal(sink_->fd)) line.insert(0, kPriorities[static_cast<size_t>(level)]);
  const std::lock_guard lock(sink_->mutex);
  // A log that nobody can read must not stop a backup: the result is ignored on purpose.
  [[maybe_unused]] const ssize_t written = ::write(sink_->fd, line.data(), line.size());
}

}  // namespace etcdrill
