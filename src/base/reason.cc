#include "base/reason.h"

#include <array>

namespace etcdrill {
namespace {

using enum ExitCode;

constexpr std::array kReasons = {
    ReasonInfo{Reason::kUsage, "usage", "other", kUsage, "the command line makes no sense"},
    ReasonInfo{Reason::kConfig, "config", "other", kUsage,
               "the configuration is written wrongly, or can't be used as it is"},
    ReasonInfo{Reason::kNotFound, "not_found", "storage", kFailed,
               "a named file or snapshot does not exist"},
    ReasonInfo{Reason::kAlreadyExists, "already_exists", "storage", kFailed,
               "the target exists and would be overwritten"},
    ReasonInfo{Reason::kBusy, "busy", "other", kFailed, "another etcdrill works on the same thing"},
    ReasonInfo{Reason::kConnect, "connect", "connect", kFailed,
               "no endpoint of the cluster could be reached"},
    ReasonInfo{Reason::kTls, "tls", "connect", kFailed,
               "the TLS handshake failed, or a certificate file can't be used"},
    ReasonInfo{Reason::kAuth, "auth", "auth", kFailed, "etcd refused the user name and password"},
    ReasonInfo{Reason::kPermission, "permission_denied", "auth", kFailed,
               "the etcd user lacks a role (snapshots need the role root)"},
    ReasonInfo{Reason::kTimeout, "timeout", "timeout", kFailed,
               "a call or a stage did not end in its time"},
    ReasonInfo{Reason::kEtcdError, "etcd_error", "connect", kFailed,
               "etcd answered a call with an error"},
    ReasonInfo{Reason::kOtherCluster, "other_cluster", "other", kFailed,
               "the endpoints belong to different clusters, and nothing tells which one is meant"},
    ReasonInfo{Reason::kStreamCut, "stream_cut", "stream", kFailed,
               "the snapshot stream broke off"},
    ReasonInfo{Reason::kStreamShort, "stream_short", "stream", kFailed,
               "the snapshot stream ended as if complete, but bytes are missing"},
    ReasonInfo{Reason::kStreamStalled, "stream_stalled", "stream", kFailed,
               "the snapshot stream made no progress"},
    ReasonInfo{Reason::kStreamTooLarge, "stream_too_large", "stream", kFailed,
               "the snapshot stream announced far more than the member's database has"},
    ReasonInfo{Reason::kTrailerMismatch, "trailer_mismatch", "checksum", kVerificationFailed,
               "the SHA-256 at the end of the stream differs from that of the bytes received"},
    ReasonInfo{Reason::kNoSpace, "no_space", "space", kFailed,
               "a file system is full or too small"},
    ReasonInfo{Reason::kNoMemory, "no_memory", "other", kFailed,
               "what the drill's etcd needs is more memory than there is"},
    ReasonInfo{Reason::kReadOnly, "read_only", "storage", kFailed,
               "a file system is mounted read-only"},
    ReasonInfo{Reason::kAccessDenied, "access_denied", "storage", kFailed,
               "the process may not read or write a path"},
    ReasonInfo{Reason::kTooManyFiles, "too_many_files", "storage", kFailed,
               "the limit on open files is reached"},
    ReasonInfo{Reason::kIoError, "io_error", "storage", kFailed,
               "an operation of the system failed: disk, file or port"},
    ReasonInfo{Reason::kCredentials, "credentials", "storage", kFailed,
               "a site refused the credentials, or there are none"},
    ReasonInfo{Reason::kBucketMissing, "bucket_missing", "storage", kFailed,
               "the bucket or the remote of a site does not exist"},
    ReasonInfo{Reason::kLockNotApplied, "lock_not_applied", "storage", kFailed,
               "a site did not lock an object that was to be locked"},
    ReasonInfo{Reason::kNoIdentity, "no_identity", "storage", kFailed,
               "what is encrypted can't be read, as no identity is configured that opens it"},
    ReasonInfo{Reason::kDamaged, "damaged", "checksum", kVerificationFailed,
               "the examined data is wrong"},
    ReasonInfo{Reason::kNotProvable, "not_provable", "checksum", kFailed,
               "nothing is wrong, but nothing proves the bytes either"},
    ReasonInfo{Reason::kMembersDisagree, "members_disagree", "checksum", kVerificationFailed,
               "the snapshot and the live members hold different data at one revision"},
    ReasonInfo{Reason::kEtcdMissing, "etcd_missing", "other", kFailed,
               "no etcd binary to boot the drill with"},
    ReasonInfo{Reason::kEtcdVersion, "etcd_version", "other", kFailed,
               "the etcd binary does not fit the snapshot"},
    ReasonInfo{Reason::kEtcdExited, "etcd_exited", "other", kFailed,
               "the drill's etcd ended before its time"},
    ReasonInfo{Reason::kEtcdNotReady, "etcd_not_ready", "timeout", kFailed,
               "the drill's etcd did not become healthy in time"},
    ReasonInfo{Reason::kCheckFailed, "check_failed", "checksum", kVerificationFailed,
               "the restored etcd serves something else than the snapshot holds, or than is "
               "expected of it"},
    ReasonInfo{Reason::kInterrupted, "interrupted", "other", kInterrupted, "stopped by a signal"},
    ReasonInfo{Reason::kInternal, "internal", "other", kFailed,
               "a defect of etcdrill; please report it"},
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
