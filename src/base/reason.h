// Why something failed, as a closed list. One table gives every reason its name (logs, reports),
// the label it has in etcdrill_snapshot_failures_total, its exit code and whether trying again can
// help; docs/reference/exit-codes.md is checked against it. A failure without a reason of its own
// is a defect of ours, so there is no "unknown".
#pragma once

#include <span>
#include <string_view>

namespace etcdrill {

// Scripts rely on these numbers.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kVerificationFailed = 3,
  kObjectiveMissed = 4,
  kInterrupted = 130,
};

enum class Reason {
  // The caller's fault.
  kUsage,
  kConfig,
  kNotFound,
  kAlreadyExists,
  kBusy,
  // The way to etcd.
  kConnect,
  kTls,
  kAuth,
  kPermission,
  kTimeout,
  kEtcdError,
  kOtherCluster,
  // The snapshot stream.
  kStreamCut,
  kStreamShort,
  kStreamStalled,
  kStreamTooLarge,
  kTrailerMismatch,
  // The disk.
  kNoSpace,
  kNoMemory,
  kReadOnly,
  kAccessDenied,
  kTooManyFiles,
  kIoError,
  // A site: a bucket, a directory elsewhere, an rclone remote.
  kCredentials,
  kBucketMissing,
  kLockNotApplied,
  kNoIdentity,
  // The examined data.
  kDamaged,
  kNotProvable,
  kMembersDisagree,
  // The drill's etcd.
  kEtcdMissing,
  kEtcdVersion,
  kEtcdExited,
  kEtcdNotReady,
  kCheckFailed,
  // The rest.
  kInterrupted,
  kInternal,
};

struct ReasonInfo {
  Reason reason;
  std::string_view name;
  std::string_view metric_label;
  ExitCode exit_code;
  std::string_view meaning;
};

// Every reason, in the order of the enum.
std::span<const ReasonInfo> AllReasons();
const ReasonInfo& InfoOf(Reason reason);

}  // namespace etcdrill
