// The evidence of one drill: what was done, how long it took, what was compared with what. Kept in
// the store as JSON, read back for metrics and listings.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "drill/result.h"
#include "verify/report.h"

namespace etcdrill::pipeline {

inline constexpr int kTopLevel = 5;  // of the ladder of proof

enum class StageResult { kPass, kFail, kSkipped };

struct Stage {
  std::string name;
  StageResult result = StageResult::kSkipped;
  double duration_seconds = 0;
  std::string error;
};

// The one that a drill failed in: the first that failed; else the first that was skipped, as the
// time ran out between two; else the checksum, as nothing vouches for the bytes.
std::string FailedStage(const std::vector<Stage>& stages);

// In the order in which they run.
inline constexpr std::string_view kSelectStage = "select";
inline constexpr std::string_view kChecksumStage = "checksum";
inline constexpr std::string_view kRestoreStage = "restore";
inline constexpr std::string_view kBootStage = "boot";
inline constexpr std::string_view kHealthStage = "health";
inline constexpr std::string_view kVerifyStage = "verify";
inline constexpr std::string_view kCleanupStage = "cleanup";

// If the snapshot were restored now. How it comes about: restore_advice.h.
struct RestoreAdvice {
  int64_t source_revision = 0;
  int64_t missed_revisions = 0;  // that the source has gone on since
  uint64_t bump_revision = 0;    // safe for `snapshot restore --bump-revision`
  uint64_t source_bytes = 0;
  std::optional<double> rto_seconds;  // forecast for so many bytes
};

struct DrillReport {
  std::string id;  // of this drill alone, and of its mark in the store; empty if it is of a file
  std::string snapshot;
  std::optional<WallTime>
      taken;  // TakenAt (claims_check.h); none if it could not be verified; not part of the JSON
  bool newest = true;  // of its store at that time
  verify::Verdict verdict = verify::Verdict::kNotProvable;
  int level_reached = 0;
  WallTime started{};
  WallTime finished{};
  std::vector<Stage> stages;
  std::vector<drill::Check> checks;
  double rto_seconds =
      0;  // from opening the snapshot to a healthy, verified etcd; 0 if it did not come to that
  std::string etcd_version;
  std::optional<verify::VerifyReport> verify;
  std::optional<RestoreAdvice> advice;  // none if the source was not asked, or did not answer
  Status outcome;  // OK, or why the drill failed or proves nothing; not part of the JSON

  bool passed() const { return outcome.ok(); }
  // All stages together, by a clock that nobody sets.
  Duration Took() const;
};

std::string ToJson(const DrillReport& report);

// What history needs of a stored report.
struct DrillSummary {
  std::string name;      // of the report in its store; not part of the JSON
  bool readable = true;  // the report; if not, no more is known than what its name says
  std::string id;        // empty where nobody gave one, as in those of 0.1.0
  std::string snapshot;
  bool newest = true;
  std::string verdict;
  int level_reached = 0;
  WallTime started{};
  WallTime finished{};
  double rto_seconds = 0;
  std::optional<double> forecast_seconds;  // of RestoreAdvice
  bool passed = false;
  std::string etcd_version;
  std::string failed_stage;  // empty if none failed
  std::string error;         // of that stage
  std::map<std::string, double> stage_seconds;
  std::map<std::string, bool> checks;  // those that passed or failed
  std::string sha256;  // of the bytes that it is about, hex; empty if it says nothing of them

  // Whether it read the very bytes that were stored.
  bool ReadStoredBytes() const;
};

// kDamaged if the text is not a drill report.
Result<DrillSummary> ParseDrillSummary(std::string_view json);

}  // namespace etcdrill::pipeline
