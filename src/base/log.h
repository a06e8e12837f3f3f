// One line per event, on stderr, in logfmt or JSON: ts, level, msg (a constant text), then the fields. Secrets and key
// names never go into a field. Errors are logged once, by whoever ends the chain (pipeline or command), never on the
// way.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

Result<LogLevel> ParseLogLevel(std::string_view name);
Result<LogFormat> ParseLogFormat(std::string_view name);

struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v), quoted(true) {}
  LogField(std::string_view k, const char* v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, std::integral auto v) : key(k), value(std::to_string(v)), quoted(false) {}
  LogField(std::string_view k, Duration d);  // seconds, as a decimal fraction

  std::string_view key;
  std::string value;
  bool quoted;  // false: a number
};

// May be used from any thread; lines do not mix.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  Logger(LogLevel level, LogFormat format, Clock& clock, int fd = 2)
      : level_(level), format_(format), clock_(clock), fd_(fd) {}

  void Debug(std::string_view message, Fields fields = {}) { Write(LogLevel::kDebug, message, fields); }
  void Info(std::string_view message, Fields fields = {}) { Write(LogLevel::kInfo, message, fields); }
  void Warn(std::string_view message, Fields fields = {}) { Write(LogLevel::kWarn, message, fields); }
  void Error(std::string_view message, Fields fields = {}) { Write(LogLevel::kError, message, fields); }

  // Lines written at this level since start, for etcdrill_log_messages_total.
  uint64_t Count(LogLevel level) const { return counts_[static_cast<size_t>(level)]; }

 private:
  void Write(LogLevel level, std::string_view message, Fields fields);

  const LogLevel level_;
  const LogFormat format_;
  Clock& clock_;
  const int fd_;
  std::mutex mutex_;
  std::atomic<uint64_t> counts_[4] = {};
};

}  // namespace etcdrill
