// Formatting of log lines. A line is short enough for one write(2), so lines of several processes
// on one pipe stay whole. A service's lines begin with their priority, which journald takes off
// (sd-daemon(3)): `journalctl -p warning` works.
//
// Why no queue with a thread of its own: it would lose the last lines before a crash, and drop
// lines all the same. Sources: pipe(7), open(2) on O_NONBLOCK and on FIFOs, proc(5) on
// /proc/PID/fd, send(2).
#include "base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace etcdrill {
namespace {

constexpr std::array<std::string_view, 4> kPriorities = {"<7>", "<6>", "<4>", "<3>"};  // of syslog
constexpr size_t kValueBytesMax = 1024;
constexpr size_t kEndBytes = 6;  // around the fields: a priority, a brace, the end of the line

bool HasRoom(int fd) {
  pollfd state = {.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&state, 1, 0) > 0;  // an error counts, too: then write(2) returns at once
}

// Whether what is written to `fd` reaches journald: JOURNAL_STREAM names the socket that it gave us
// (systemd.exec(5)), and a program that we are started by may have led our output elsewhere.
bool IsJournal(int fd) {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat at {};
  return stream != nullptr && fstat(fd, &at) == 0 &&
         stream == fmt::format("{}:{}", at.st_dev, at.st_ino);
}

// A JSON string literal; logfmt accepts the same quoting. A byte that is no UTF-8 becomes the four
// letters \xNN.
void AppendQuoted(std::string& out, std::string_view text) {
  const auto append = std::back_inserter(out);
  out.push_back('"');
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    const auto last = static_cast<unsigned char>(character.back());  // of a control, its code
    if (length == 0) {
      fmt::format_to(append, "\\\\x{:02x}", last);
    } else if (character == "\"" || character == "\\") {
      fmt::format_to(append, "\\{}", character);
    } else if (character == "\n") {
      out += "\\n";
    } else if (IsControl(character)) {
      fmt::format_to(append, "\\u{:04x}", last);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  out.push_back('"');
}

// Needs no quotes in logfmt: printable ASCII without what logfmt reads something into.
bool IsPlainWord(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

// Its first bytes, cut between two characters.
std::string Shortened(std::string value) {
  if (value.size() <= kValueBytesMax) return value;
  size_t end = kValueBytesMax;
  for (int back = 0; back < 3 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80; ++back)
    --end;
  return value.substr(0, end) + "...";
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

template <typename Enum>
Result<Enum> ParseName(std::string_view name, std::string_view what) {
  if (const auto value = FromName<Enum>(name)) return *value;
  return Error(Reason::kUsage, "\"{}\" is not a {}; use one of {}", name, what,
               fmt::join(NamesOf<Enum>(), ", "));
}

}  // namespace

LogOutput::LogOutput(int fd) : fd_(fd) {
  struct stat at {};
  if (fstat(fd, &at) != 0) return;
  is_socket_ = S_ISSOCK(at.st_mode);
  // A plain file has no reader to wait for, and opened anew it would be written from its beginning.
  if (!S_ISFIFO(at.st_mode) && !S_ISCHR(at.st_mode)) return;
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  own_ = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

LogOutput::~LogOutput() {
  if (own_ >= 0) close(own_);
}

bool LogOutput::Write(std::string_view line) {
  if (!rest_.empty()) rest_.erase(0, WriteSome(rest_));
  if (!rest_.empty()) return false;
  const size_t written = WriteSome(line);
  if (written > 0) rest_ = line.substr(written);
  return written > 0;
}

size_t LogOutput::WriteSome(std::string_view bytes) const {
  ssize_t written = -1;
  do {
    if (is_socket_) {
      written = send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (own_ >= 0) {
      written = write(own_, bytes.data(), bytes.size());
    } else {
      written = HasRoom(fd_) ? write(fd_, bytes.data(), bytes.size()) : 0;
    }
  } while (written < 0 && errno == EINTR);
  return written > 0 ? static_cast<size_t>(written) : 0;
}

LogField::LogField(std::string_view k, Duration d)
    : key(k), value(fmt::format("{:.3f}", SecondsOf(d))), quoted(false) {}

Result<LogLevel> ParseLogLevel(std::string_view name) {
  return ParseName<LogLevel>(name, "log level");
}

Result<LogFormat> ParseLogFormat(std::string_view name) {
  return ParseName<LogFormat>(name, "log format");
}

Logger Logger::With(LogField field) const {
  Logger child = *this;
  child.common_.push_back(std::move(field));
  return child;
}

std::string Logger::Line(LogLevel level, std::string_view message, Fields fields) const {
  const LogFormat format = sink_->format;
  std::string line = format == LogFormat::kJson ? "{" : "";
  AppendField(line, format, {"ts", FormatRfc3339(sink_->clock.Now())});
  AppendField(line, format, {"level", NameOf(level)});
  AppendField(line, format, {"msg", message});
  const auto append = [&](LogField field) {
    std::string with = line;
    field.value = Shortened(std::move(field.value));
    AppendField(with, format, field);
    // A whole line without one of its fields beats a cut one.
    if (with.size() + kEndBytes <= kLogLineBytesMax) line = std::move(with);
  };
  for (const LogField& field : common_) append(field);
  for (const LogField& field : fields) append(field);
  line += format == LogFormat::kJson ? "}\n" : "\n";
  if (IsJournal(sink_->fd)) line.insert(0, kPriorities[static_cast<size_t>(level)]);
  return line;
}

void Logger::Write(LogLevel level, std::string_view message, Fields fields) {
  if (level < sink_->level) return;
  ++sink_->counts[static_cast<size_t>(level)];
  const std::string line = Line(level, message, fields);
  const std::lock_guard lock(sink_->mutex);
  if (sink_->untold > 0) {
    const LogField count("count", sink_->untold);
    if (sink_->output.Write(Line(LogLevel::kWarn, "log lines dropped", {count}))) sink_->untold = 0;
  }
  if (sink_->output.Write(line)) return;
  ++sink_->dropped;
  ++sink_->untold;
}

}  // namespace etcdrill
