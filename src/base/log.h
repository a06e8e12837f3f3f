// One line per event, on stderr, in logfmt or JSON: ts, level, msg (a constant text), then the
// fields. A line is one line and valid whatever a field holds: control characters and bytes that
// are no UTF-8 are escaped. Secrets and key names never go into a field. Errors are logged once, by
// whoever ends the chain (pipeline or command), never on the way.
#pragma once

#include <limits.h>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/status.h"

namespace etcdrill {

// A longer one could be mixed with the lines of other processes on the same pipe (pipe(7)).
inline constexpr size_t kLogLineBytesMax = PIPE_BUF;

// Where log lines go. Nobody may read them: a container runtime that hangs, a terminal with ^S, a
// reader that was stopped. A write that waits for such a reader would stop backups, so no write
// waits.
//
// O_NONBLOCK belongs to the open file, which others share with us (a shell, our parent), so it is
// never set on the descriptor that we were given: a pipe or a terminal is opened anew through
// /proc/self/fd, a socket is asked per call, and where neither is possible a pipe is asked first
// whether it has room for a whole line.
//
// Not safe for use from several threads.
class LogOutput {
 public:
  explicit LogOutput(int fd);
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;
  ~LogOutput();

  // One whole line, its end included, of at most kLogLineBytesMax. False: it can't be written now,
  // and is dropped. What went out in part (sockets, terminals) is completed before anything else is
  // written.
  bool Write(std::string_view line);

 private:
  size_t WriteSome(std::string_view bytes) const;

  const int fd_;
  int own_ = -1;  // fd_, opened anew; -1: it can't be, or need not
  bool is_socket_ = false;
  std::string rest_;  // of a line that went out in part
};

enum class LogLevel { kDebug, kInfo, kWarn, kError };
template <>
inline constexpr auto kNames<LogLevel> = Names("debug", "info", "warn", "error");

enum class LogFormat { kLogfmt, kJson };
template <>
inline constexpr auto kNames<LogFormat> = Names("logfmt", "json");

Result<LogLevel> ParseLogLevel(std::string_view name);
Result<LogFormat> ParseLogFormat(std::string_view name);

struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v), quoted(true) {}
  LogField(std::string_view k, const char* v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, std::integral auto v)
      : key(k), value(std::to_string(v)), quoted(false) {}
  LogField(std::string_view k, Duration d);  // seconds, as a decimal fraction

  std::string_view key;
  std::string value;
  bool quoted;  // false: a number
};

// May be used from any thread; lines do not mix. No call waits for whoever reads the log: a line
// that can't be written is dropped and counted, and once there is room again a line tells how many
// were. `clock` must outlive it.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  Logger(LogLevel level, LogFormat format, Clock& clock, int fd = 2)
      : sink_(std::make_shared<Sink>(level, format, clock, fd)) {}

  // One that writes to the same place, each line with this field after the message. The field's key
  // must be a literal.
  Logger With(LogField field) const;
  // For all that write to this place.
  void SetLevel(LogLevel level) { sink_->level = level; }

  void Debug(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kWarn, message, fields);
  }
  void Error(std::string_view message, Fields fields = {}) {
    Write(LogLevel::kError, message, fields);
  }

  // Lines logged at this level since start, by all that write to this place, for
  // etcdrill_log_messages_total.
  uint64_t Count(LogLevel level) const { return sink_->counts[static_cast<size_t>(level)]; }
  // Lines dropped since start, for etcdrill_log_dropped_total.
  uint64_t Dropped() const { return sink_->dropped; }

 private:
  struct Sink {
    Sink(LogLevel l, LogFormat f, Clock& c, int d)
        : level(l), format(f), clock(c), fd(d), output(d) {}

    std::atomic<LogLevel> level;
    const LogFormat format;
    Clock& clock;
    const int fd;
    std::mutex mutex;
    LogOutput output;     // guarded by mutex
    uint64_t untold = 0;  // lines dropped since a line about it; guarded by mutex
    std::atomic<uint64_t> dropped = 0;
    std::atomic<uint64_t> counts[4] = {};
  };

  void Write(LogLevel level, std::string_view message, Fields fields);
  std::string Line(LogLevel level, std::string_view message, Fields fields) const;

  std::shared_ptr<Sink> sink_;
  std::vector<LogField> common_;
};

}  // namespace etcdrill
