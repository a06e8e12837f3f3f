// etcd's buckets and the keys of its `meta` bucket. Source: docs/dev/formats.md §2.
#pragma once

#include <string_view>

namespace etcdrill::mvcc {

inline constexpr std::string_view kAlarmBucket = "alarm";
inline constexpr std::string_view kAuthBucket = "auth";
inline constexpr std::string_view kAuthRolesBucket = "authRoles";
inline constexpr std::string_view kAuthUsersBucket = "authUsers";
inline constexpr std::string_view kClusterBucket = "cluster";
inline constexpr std::string_view kKeyBucket = "key";
inline constexpr std::string_view kLeaseBucket = "lease";
inline constexpr std::string_view kMembersBucket = "members";
inline constexpr std::string_view kMembersRemovedBucket = "members_removed";
inline constexpr std::string_view kMetaBucket = "meta";

inline constexpr std::string_view kConsistentIndexKey = "consistent_index";  // 8 bytes, big-endian
inline constexpr std::string_view kTermKey = "term";            // 8 bytes, big-endian; 3.5+
inline constexpr std::string_view kConfStateKey = "confState";  // JSON; 3.5+
inline constexpr std::string_view kStorageVersionKey = "storageVersion";  // "3.6.0"; 3.6+
inline constexpr std::string_view kScheduledCompactKey = "scheduledCompactRev";
inline constexpr std::string_view kFinishedCompactKey = "finishedCompactRev";

inline constexpr std::string_view kClusterVersionKey = "clusterVersion";  // in `cluster`: "3.5.0"
inline constexpr std::string_view kDowngradeKey = "downgrade";      // in `cluster`: JSON; 3.5+
inline constexpr std::string_view kAuthEnabledKey = "authEnabled";  // in `auth`: one byte, 1 or 0
// In `auth`: 8 bytes, big-endian.
inline constexpr std::string_view kAuthRevisionKey = "authRevision";
inline constexpr std::string_view kMemberRemoved = "removed";  // the value in `members_removed`

}  // namespace etcdrill::mvcc
