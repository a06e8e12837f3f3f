// Status construction. The reason travels as a payload of the absl::Status, so it survives every
// copy and Annotate.
#include "base/status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace etcdrill {
namespace {

constexpr char kReasonPayload[] = "etcdrill/reason";
constexpr char kRetryAfterPayload[] = "etcdrill/retry_after";  // nanoseconds

Reason ReasonOfErrno(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Reason::kNoSpace;
    case EROFS:
      return Reason::kReadOnly;
    case EACCES:
    case EPERM:
      return Reason::kAccessDenied;
    case EMFILE:
    case ENFILE:
      return Reason::kTooManyFiles;
    case ENOENT:
    case ENOTDIR:
      return Reason::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return Reason::kAlreadyExists;
    default:
      return Reason::kIoError;
  }
}

// What a service meets that a person who tries the same as root does not.
std::string HintFor(int errno_value) {
  if (errno_value == EROFS) return "; under systemd, is it in ReadWritePaths= of the unit?";
  if (errno_value == ENOSPC) return "; bytes or inodes (df -h, df -i)";
  if (errno_value == EFBIG) return "; is there a limit on the size of files (ulimit -f)?";
  if (errno_value == EACCES)
    return fmt::format("; etcdrill runs as uid {}, which needs the right", geteuid());
  return "";
}

}  // namespace

Status Error(Reason reason, std::string_view message) {
  // The code is not read anywhere: the reason says it all. Unknown keeps absl from treating the
  // status as OK.
  Status status(absl::StatusCode::kUnknown, absl::string_view(message.data(), message.size()));
  status.SetPayload(kReasonPayload, absl::Cord(std::to_string(static_cast<int>(reason))));
  return status;
}

Reason ReasonOf(const Status& status) {
  CHECK(!status.ok());
  const auto payload = status.GetPayload(kReasonPayload);
  if (!payload.has_value()) return Reason::kInternal;  // an absl::Status not made by Error()
  return static_cast<Reason>(std::stoi(std::string(*payload)));
}

std::string_view MessageOf(const Status& status) {
  return {status.message().data(), status.message().size()};
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  Status annotated = Error(ReasonOf(status), "{}: {}", context, MessageOf(status));
  const auto after = RetryAfterOf(status);
  return after.has_value() ? WithRetryAfter(std::move(annotated), *after) : annotated;
}

Status WithRetryAfter(Status error, std::chrono::nanoseconds after) {
  CHECK(!error.ok());
  error.SetPayload(kRetryAfterPayload, absl::Cord(std::to_string(after.count())));
  return error;
}

std::optional<std::chrono::nanoseconds> RetryAfterOf(const Status& status) {
  const auto payload = status.GetPayload(kRetryAfterPayload);
  if (!payload.has_value()) return std::nullopt;
  return std::chrono::nanoseconds(std::stoll(std::string(*payload)));
}

Status ErrorFromErrno(int errno_value, std::string_view operation, std::string_view path) {
  return Error(ReasonOfErrno(errno_value), "{} {}: {}{}", operation, path,
               std::strerror(errno_value), HintFor(errno_value));
}

bool Is(const Status& status, Reason reason) { return !status.ok() && ReasonOf(status) == reason; }

bool IsInterrupted(const Status& status) { return Is(status, Reason::kInterrupted); }

ExitCode ExitCodeOf(const Status& status) {
  return status.ok() ? ExitCode::kOk : InfoOf(ReasonOf(status)).exit_code;
}

}  // namespace etcdrill
