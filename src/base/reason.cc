#include "base/reason.h"

#include <array>

namespace etcdrill {
namespace {

using enum ExitCode;

constexpr std::array kReasons = {
    ReasonInfo{Reason::kUsage, "usage", "other", kUsage, "the command line is not valid"},
    ReasonInfo{Reason::kConfig, "config", "other", kUsage,
               "the configuration is not valid, or cannot be used as it is"},
    ReasonInfo{Reason::kNotFound, "not_found", "storage", kFailed,
               "a named file or snapshot does not exist"},
    ReasonInfo{Reason::kAlreadyExists, "already_exists", "storage", kFailed,
               "the target exists and would be overwritten"},
    ReasonInfo{Reason::kBusy, "busy", "other", kFailed,
               "another process uses the same file, snapshot or store"},
    ReasonInfo{Reason::kConnect, "connect", "connect", kFailed,
               "no connection to the cluster could be made or kept"},
    ReasonInfo{Reason::kTls, "tls", "connect", kFailed,
               "the TLS handshake failed, or a certificate file cannot be used"},
    ReasonInfo{Reason::kAuth, "auth", "auth", kFailed, "etcd rejected the user name or password"},
    ReasonInfo{Reason::kPermission, "permission_denied", "auth", kFailed,
               "the etcd user lacks a role (snapshots need the role root)"},
    ReasonInfo{Reason::kTimeout, "timeout", "timeout", kFailed,
               "a call or a drill did not finish in time"},
    ReasonInfo{Reason::kEtcdError, "etcd_error", "connect", kFailed,
               "etcd answered a call with an error"},
    ReasonInfo{Reason::kOtherCluster, "other_cluster", "other", kFailed,
               "the endpoints belong to different clusters, and etcdrill cannot tell which is "
               "meant"},
    ReasonInfo{Reason::kStreamCut, "stream_cut", "stream", kFailed,
               "the connection was lost during the snapshot"},
    ReasonInfo{Reason::kStreamShort, "stream_short", "stream", kFailed,
               "the snapshot stream ended normally, but bytes are missing"},
    ReasonInfo{Reason::kStreamStalled, "stream_stalled", "stream", kFailed,
               "the snapshot stream stopped making progress"},
    ReasonInfo{Reason::kStreamTooLarge, "stream_too_large", "stream", kFailed,
               "the snapshot stream announced far more than the size of the member's database"},
    ReasonInfo{Reason::kTrailerMismatch, "trailer_mismatch", "checksum", kVerificationFailed,
               "the SHA-256 at the end of the stream does not match the bytes received"},
    ReasonInfo{Reason::kNoSpace, "no_space", "space", kFailed,
               "a file system is full, or too small for the operation"},
    ReasonInfo{Reason::kNoMemory, "no_memory", "other", kFailed,
               "not enough memory for the operation, such as a drill's etcd"},
    ReasonInfo{Reason::kReadOnly, "read_only", "storage", kFailed,
               "a file system is mounted read-only"},
    ReasonInfo{Reason::kAccessDenied, "access_denied", "storage", kFailed,
               "the process has no permission for a path"},
    ReasonInfo{Reason::kTooManyFiles, "too_many_files", "storage", kFailed,
               "the limit on open files is reached"},
    ReasonInfo{Reason::kIoError, "io_error", "storage", kFailed,
               "a disk, file or port operation failed"},
    ReasonInfo{Reason::kCredentials, "credentials", "storage", kFailed,
               "a site rejected the credentials, or none are configured"},
    ReasonInfo{Reason::kBucketMissing, "bucket_missing", "storage", kFailed,
               "the bucket or remote of a site does not exist"},
    ReasonInfo{Reason::kLockNotApplied, "lock_not_applied", "storage", kFailed,
               "a site did not lock an object as requested"},
    ReasonInfo{Reason::kNoIdentity, "no_identity", "storage", kFailed,
               "the data is encrypted, and no configured identity opens it"},
    ReasonInfo{Reason::kDamaged, "damaged", "checksum", kVerificationFailed,
               "the examined data is damaged"},
    ReasonInfo{Reason::kNotProvable, "not_provable", "checksum", kFailed,
               "no damage was found, but the data cannot be confirmed"},
    ReasonInfo{Reason::kMembersDisagree, "members_disagree", "checksum", kVerificationFailed,
               "the snapshot and the live members hold different data at one revision"},
    ReasonInfo{Reason::kEtcdMissing, "etcd_missing", "other", kFailed,
               "no etcd server binary for the drill"},
    ReasonInfo{Reason::kEtcdVersion, "etcd_version", "other", kFailed,
               "the etcd binary does not fit the version of the snapshot"},
    ReasonInfo{Reason::kEtcdExited, "etcd_exited", "other", kFailed,
               "a program that etcdrill started, such as the drill's etcd, exited with an error"},
    ReasonInfo{Reason::kEtcdNotReady, "etcd_not_ready", "timeout", kFailed,
               "the drill's etcd did not become healthy"},
    ReasonInfo{Reason::kCheckFailed, "check_failed", "checksum", kVerificationFailed,
               "the restored etcd does not serve what the snapshot holds, or an assertion failed"},
    ReasonInfo{Reason::kInterrupted, "interrupted", "other", kInterrupted, "stopped by a signal"},
    ReasonInfo{Reason::kInternal, "internal", "other", kFailed,
               "a drill was killed before it finished, or etcdrill has a defect"},
};

constexpr bool InEnumOrder() {
  for (size_t i = 0; i < kReasons.size(); ++i) {
    if (static_cast<size_t>(kReasons[i].reason) != i) return false;
  }
  return kReasons.size() == static_cast<size_t>(Reason::kInternal) + 1;
}
static_assert(InEnumOrder(), "a row for every reason, in the order of the enum");

}  // namespace

std::span<const ReasonInfo> AllReasons() { return kReasons; }

const ReasonInfo& InfoOf(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }

}  // namespace etcdrill
