// The words of the product: what is said of a file, of a stored snapshot and of a drill. They are
// enums all the way from the first check to the last metric; text begins at JSON, metrics and the
// command line, where a word that is unknown is an error. The names are relied on from outside.
#pragma once

#include "base/names.h"

namespace etcdrill {

// Of a file. The third is honest: bbolt has no checksum on data pages, so without a trailer or a
// manifest nothing proves the bytes.
enum class Verdict { kProven, kDamaged, kNotProvable };
template <>
inline constexpr auto kNames<Verdict> = Names("proven", "damaged", "not_provable");

// The ladder of proof; the value is the number of the level.
enum class Level { kPresent, kTransfer, kStructure, kKeyspace, kRestore, kBoot };
template <>
inline constexpr auto kNames<Level> = Names("present", "transfer", "structure", "keyspace",
                                            "restore", "boot");
inline constexpr Level kTopLevel = Level::kBoot;

enum class LevelResult { kPass, kFail, kUnknown, kSkipped };
template <>
inline constexpr auto kNames<LevelResult> = Names("pass", "fail", "unknown", "skipped");

// The stages of a drill, in the order in which they run.
enum class StageName { kSelect, kChecksum, kRestore, kBoot, kHealth, kVerify, kCleanup };
template <>
inline constexpr auto kNames<StageName> = Names("select", "checksum", "restore", "boot", "health",
                                                "verify", "cleanup");

enum class StageResult { kPass, kFail, kSkipped };
template <>
inline constexpr auto kNames<StageResult> = Names("pass", "fail", "skipped");

// What a drill compares. The last two are those of a cluster of three.
enum class CheckName {
  kSha256,
  kDbHash,
  kRevision,
  kKeyCount,
  kHashKv,
  kHealth,
  kAlarms,
  kAssertions,
  kWrite,
  kReplicas,
  kNewMember
};
template <>
inline constexpr auto kNames<CheckName> = Names("sha256", "db_hash", "revision", "key_count",
                                                "hashkv", "health", "alarms", "assertions", "write",
                                                "replicas", "new_member");

enum class CheckResult { kPass, kFail, kSkipped, kNotComparable };
template <>
inline constexpr auto kNames<CheckResult> = Names("pass", "fail", "skipped", "not_comparable");

// Of what two sides hold at one revision. The last is an answer of its own, never a pass.
enum class Comparison { kEqual, kDiffers, kNotComparable };
template <>
inline constexpr auto kNames<Comparison> = Names("equal", "differs", "not_comparable");

// Whether a snapshot, or a live cluster, goes on where an older one ends.
enum class Continuity { kContinues, kDiverged, kNotComparable };
template <>
inline constexpr auto kNames<Continuity> = Names("continues", "diverged", "not_comparable");

// Of a stored snapshot.
enum class SnapshotState {
  kUntested,
  kRestorable,  // it passed a drill
  kDamaged,     // its bytes or its content were found wrong
  kUnreadable,  // its file or its record of checks is away, or can't be looked at: no verdict, and
                // it may come back
};
template <>
inline constexpr auto kNames<SnapshotState> = Names("untested", "restorable", "damaged",
                                                    "unreadable");

// What is found at a site that should not be there, or should not be so.
enum class Oddity {
  kVanished,     // bytes of a copy are gone
  kOverwritten,  // by the site's word, other bytes lie under the name of a copy
  kHidden,       // a delete marker that we did not write hides a copy
  kNewVersion,   // somebody wrote another version over a copy or its manifest
  kUntrusted,    // no known key signed a manifest
  kUnreadable,   // what should be a manifest, or a record of what somebody found, is none
  kLockMissing,  // the site does not hold a lock that was promised
};
template <>
inline constexpr auto kNames<Oddity> = Names("vanished", "overwritten", "hidden", "new_version",
                                             "untrusted", "unreadable", "lock_missing");

}  // namespace etcdrill
