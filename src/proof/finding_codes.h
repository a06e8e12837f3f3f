// The code of every finding, in one place: scripts match on them, docs/reference/findings.md lists
// them (a test compares).
#pragma once

#include <string_view>

namespace etcdrill::codes {

// L0, the file as such.
inline constexpr std::string_view kEmptyFile = "empty_file";
inline constexpr std::string_view kPartialName = "partial_name";
inline constexpr std::string_view kNotASnapshot = "not_a_snapshot";
inline constexpr std::string_view kFileChanged = "file_changed";
inline constexpr std::string_view kClaimWrong = "claim_wrong";
inline constexpr std::string_view kSameContent = "same_content";
inline constexpr std::string_view kTooOld = "too_old";
inline constexpr std::string_view kFromFuture = "from_future";
// L1, the transfer.
inline constexpr std::string_view kTrailerMissing = "trailer_missing";
inline constexpr std::string_view kTrailerMismatch = "trailer_mismatch";
inline constexpr std::string_view kSizeUneven = "size_uneven";
inline constexpr std::string_view kManifestMismatch = "manifest_mismatch";
// L2, the structure.
inline constexpr std::string_view kMetaInvalid = "meta_invalid";
inline constexpr std::string_view kMetaDamaged = "meta_damaged";
inline constexpr std::string_view kMetaDisagree = "meta_disagree";
inline constexpr std::string_view kFileTruncated = "file_truncated";
inline constexpr std::string_view kFileTooLong = "file_too_long";
inline constexpr std::string_view kPageOutOfBounds = "page_out_of_bounds";
inline constexpr std::string_view kPageReachedTwice = "page_reached_twice";
inline constexpr std::string_view kPageIdMismatch = "page_id_mismatch";
inline constexpr std::string_view kPageType = "page_type";
inline constexpr std::string_view kPageEmpty = "page_empty";
inline constexpr std::string_view kPageTooLarge = "page_too_large";
inline constexpr std::string_view kPageOverflow = "page_overflow";
inline constexpr std::string_view kPageTail = "page_tail";
inline constexpr std::string_view kElementOutOfBounds = "element_out_of_bounds";
inline constexpr std::string_view kElementLayout = "element_layout";
inline constexpr std::string_view kElementFlags = "element_flags";
inline constexpr std::string_view kKeyOrder = "key_order";
inline constexpr std::string_view kKeyOutsideParent = "key_outside_parent";
inline constexpr std::string_view kTreeTooDeep = "tree_too_deep";
inline constexpr std::string_view kTreeUneven = "tree_uneven";
inline constexpr std::string_view kBucketHeader = "bucket_header";
inline constexpr std::string_view kBucketSequence = "bucket_sequence";
inline constexpr std::string_view kBucketNested = "bucket_nested";
inline constexpr std::string_view kRootNotBuckets = "root_not_buckets";
inline constexpr std::string_view kFreelistDamaged = "freelist_damaged";
inline constexpr std::string_view kFreelistWrong = "freelist_wrong";
// L3, the keyspace.
inline constexpr std::string_view kBucketMissing = "bucket_missing";
inline constexpr std::string_view kBucketUnknown = "bucket_unknown";
inline constexpr std::string_view kRevisionKey = "revision_key";
inline constexpr std::string_view kRevisionGap = "revision_gap";
inline constexpr std::string_view kKeyValueDecode = "key_value_decode";
inline constexpr std::string_view kKeyValueFields = "key_value_fields";
inline constexpr std::string_view kVersionChain = "version_chain";
inline constexpr std::string_view kRowLostByEtcd = "row_lost_by_etcd";
inline constexpr std::string_view kCompactedRow = "compacted_row";
inline constexpr std::string_view kCompactionState = "compaction_state";
inline constexpr std::string_view kCompactionPending = "compaction_pending";
inline constexpr std::string_view kRevisionBehindCompaction = "revision_behind_compaction";
inline constexpr std::string_view kNoKeys = "no_keys";
inline constexpr std::string_view kLeaseDecode = "lease_decode";
inline constexpr std::string_view kLeaseMissing = "lease_missing";
inline constexpr std::string_view kMetaValue = "meta_value";
inline constexpr std::string_view kMetaMissing = "meta_missing";
inline constexpr std::string_view kAlarmDecode = "alarm_decode";
inline constexpr std::string_view kAlarmCorrupt = "alarm_corrupt";
inline constexpr std::string_view kAuthDecode = "auth_decode";
inline constexpr std::string_view kAuthDangling = "auth_dangling";
inline constexpr std::string_view kMemberDecode = "member_decode";
inline constexpr std::string_view kMembersOdd = "members_odd";
inline constexpr std::string_view kMemberUnpublished = "member_unpublished";
inline constexpr std::string_view kMemberZombie = "member_zombie";
inline constexpr std::string_view kMemberPromotionLost = "member_promotion_lost";
// What was known when it was taken.
inline constexpr std::string_view kMembersDisagreed = "members_disagreed";
inline constexpr std::string_view kDamagedWhenTaken = "damaged_when_taken";
inline constexpr std::string_view kDivergedWhenTaken = "diverged_when_taken";
// Two looks at one history.
inline constexpr std::string_view kHistoryDiffers = "history_differs";
inline constexpr std::string_view kRevisionWentBack = "revision_went_back";
inline constexpr std::string_view kAuthRevisionWentBack = "auth_revision_went_back";
inline constexpr std::string_view kIndexConflict = "index_conflict";
inline constexpr std::string_view kRestoredBetween = "restored_between";
inline constexpr std::string_view kNotComparable = "not_comparable";
// Beside the last restorable snapshot of the cluster.
inline constexpr std::string_view kHistoryRevision = "history_revision";
inline constexpr std::string_view kHistoryKeys = "history_keys";
inline constexpr std::string_view kHistoryPrefix = "history_prefix";
inline constexpr std::string_view kHistoryCluster = "history_cluster";
// What survives a restore and surprises people.
inline constexpr std::string_view kRestoresWithAlarm = "restores_with_alarm";
inline constexpr std::string_view kRestoresWithAuth = "restores_with_auth";
inline constexpr std::string_view kRestoresWithDowngrade = "restores_with_downgrade";
inline constexpr std::string_view kRestoresWithLeases = "restores_with_leases";

}  // namespace etcdrill::codes
