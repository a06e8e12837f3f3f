// The one error type: Status, or Result<T> for a function that returns something. Both are
// must-use. Abseil stands behind them and is named nowhere else (docs/adr/0001-error-type.md),
// because Debian's Abseil has a string_view of its own that does not convert from std::string_view.
//
// An error carries a Reason (base/reason.h) and a sentence: what was tried, on what, the likely
// fix. Context is added on the way up with Annotate; whoever ends the chain (a command, the
// sidecar's loop) prints it once.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/reason.h"

namespace etcdrill {

using Status = absl::Status;
template <typename T>
using Result = absl::StatusOr<T>;

inline Status OkStatus() { return absl::OkStatus(); }

// An error for the given reason; `message` is one line.
Status Error(Reason reason, std::string_view message);
template <typename First, typename... Rest>
Status Error(Reason reason, fmt::format_string<First, Rest...> format, First&& first,
             Rest&&... rest) {
  return Error(reason,
               fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}

// The reason of an error. CHECK-fails on an OK status.
Reason ReasonOf(const Status& status);

// Whether it is an error, and for this reason.
bool Is(const Status& status, Reason reason);
template <typename T>
bool Is(const Result<T>& result, Reason reason) {
  return Is(result.status(), reason);
}

// A stop was requested: not a failure, and mostly nothing to tell. False for an OK status.
bool IsInterrupted(const Status& status);

std::string_view MessageOf(const Status& status [[clang::lifetimebound]]);

// The same error with "context: " in front of its message; an OK status stays OK.
Status Annotate(const Status& status, std::string_view context);
template <typename First, typename... Rest>
Status Annotate(const Status& status, fmt::format_string<First, Rest...> format, First&& first,
                Rest&&... rest) {
  if (status.ok()) return status;
  return Annotate(status,
                  fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}

// The same error, of a server that said when to ask again; and what it said. Annotate keeps it.
Status WithRetryAfter(Status error, std::chrono::nanoseconds after);
std::optional<std::chrono::nanoseconds> RetryAfterOf(const Status& status);

// An error from a failed system call: what was tried, on which path.
Status ErrorFromErrno(int errno_value, std::string_view operation, std::string_view path);

ExitCode ExitCodeOf(const Status& status);

}  // namespace etcdrill

#define ETCDRILL_CONCAT_INNER(a, b) a##b
#define ETCDRILL_CONCAT(a, b) ETCDRILL_CONCAT_INNER(a, b)

// Returns from the enclosing function if `expr` is an error.
#define RETURN_IF_ERROR(expr)                                                 \
  do {                                                                        \
    if (::etcdrill::Status etcdrill_status = (expr); !etcdrill_status.ok()) { \
      return etcdrill_status;                                                 \
    }                                                                         \
  } while (false)

// Evaluates `expr`, a Result<T>; returns its error, or puts its value into `lhs`.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ETCDRILL_ASSIGN_OR_RETURN(ETCDRILL_CONCAT(etcdrill_result_, __LINE__), lhs, expr)
#define ETCDRILL_ASSIGN_OR_RETURN(result, lhs, expr) \
  auto result = (expr);                              \
  if (!result.ok()) return result.status();          \
  lhs = std::move(result).value()
