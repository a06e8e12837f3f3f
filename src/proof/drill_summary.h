// What the history of a store needs of a drill report: the record is read back from its JSON, of
// which the verifier's report is the most, and passed over.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"
#include "proof/words.h"

namespace etcdrill {

struct Stage {
  StageName name = StageName::kSelect;
  StageResult result = StageResult::kSkipped;
  double duration_seconds = 0;
  std::string error;
};

// The one that a drill failed in: the first that failed; else the first that was skipped, as the
// time ran out between two; else the checksum, as nothing vouches for the bytes.
StageName FailedStage(const std::vector<Stage>& stages);

inline constexpr std::string_view kDrillReportKind = "DrillReport";

struct DrillSummary {
  std::string name;      // of the report in its store; not part of the JSON
  bool readable = true;  // the report; if not, no more is known than what its name says
  std::string id;        // empty where nobody gave one, as in those of 0.1.0
  std::string snapshot;
  std::string site;    // that a copy of it was fetched from; empty: it is of the store
  bool newest = true;  // of its store at that time
  Verdict verdict = Verdict::kNotProvable;
  int level_reached = 0;
  WallTime started{};
  WallTime finished{};
  double rto_seconds = 0;
  std::optional<double> forecast_seconds;  // of a restore of the source as it was then
  bool passed = false;
  std::string etcd_version;
  std::optional<StageName> failed_stage;  // none if none failed, or nobody knows
  std::string error;                      // of that stage
  std::map<StageName, double> stage_seconds;
  std::map<CheckName, bool> checks;  // those that passed or failed
  std::string sha256;  // of the bytes that it is about, hex; empty if it says nothing of them

  // Whether it read the very bytes that were stored.
  bool ReadStoredBytes() const;

  bool operator==(const DrillSummary&) const = default;
};

// kDamaged if it is not a drill report. Stages and checks of a later version are passed over.
Result<DrillSummary> ReadDrillSummary(const Json& report);
Result<DrillSummary> ParseDrillSummary(std::string_view text);

}  // namespace etcdrill
