#include "proof/drill_summary.h"

#include <algorithm>

#include "base/json_reader.h"

namespace etcdrill {
namespace {

struct Check {
  std::string name;
  CheckResult result = CheckResult::kSkipped;
  std::string expected;
};

struct NamedStage {
  std::string name;
  Stage stage;
};

void Read(JsonReader& reader, NamedStage& s) {
  reader.Read("name", s.name);
  reader.Read("result", s.stage.result);
  reader.Read("duration_seconds", s.stage.duration_seconds);
  reader.Read("error", s.stage.error);
}

void Read(JsonReader& reader, Check& check) {
  reader.Read("name", check.name);
  reader.Read("result", check.result);
  reader.Read("expected", check.expected);
}

const Stage* FirstWith(StageResult result, const std::vector<Stage>& stages) {
  const auto at = std::ranges::find(stages, result, &Stage::result);
  return at == stages.end() ? nullptr : &*at;
}

// A drill of a file that lies in no store has words there.
std::string Sha256In(std::string expected) {
  constexpr size_t kHexDigits = 64;
  return expected.size() == kHexDigits ? std::move(expected) : "";
}

void AddStages(const std::vector<Stage>& stages, DrillSummary& summary) {
  for (const Stage& stage : stages) {
    if (stage.result != StageResult::kSkipped)
      summary.stage_seconds[stage.name] = stage.duration_seconds;
  }
  if (const Stage* const failed = FirstWith(StageResult::kFail, stages)) {
    summary.failed_stage = failed->name;
    summary.error = failed->error;
  } else if (!summary.passed) {
    const bool skipped = FirstWith(StageResult::kSkipped, stages) != nullptr;
    summary.failed_stage = FailedStage(stages);
    summary.error =
        skipped ? "the drill ran out of time" : "the bytes of the snapshot cannot be confirmed";
  }
}

void AddChecks(std::vector<Check> checks, DrillSummary& summary) {
  for (Check& check : checks) {
    const auto name = FromName<CheckName>(check.name);
    if (!name.has_value()) continue;
    const bool passed = check.result == CheckResult::kPass;
    if (passed || check.result == CheckResult::kFail) summary.checks[*name] = passed;
    if (name == CheckName::kSha256) summary.sha256 = Sha256In(std::move(check.expected));
  }
}

}  // namespace

StageName FailedStage(const std::vector<Stage>& stages) {
  for (const StageResult result : {StageResult::kFail, StageResult::kSkipped}) {
    if (const Stage* const stage = FirstWith(result, stages)) return stage->name;
  }
  return StageName::kChecksum;
}

bool DrillSummary::ReadStoredBytes() const {
  const auto sum = checks.find(CheckName::kSha256);
  return sum != checks.end() && sum->second;
}

Result<DrillSummary> ParseDrillSummary(std::string_view text) {
  ASSIGN_OR_RETURN(const Json report,
                   ParseDocument(kDrillReportKind, "a drill report", text, "verify"));
  return ReadDrillSummary(report);
}

Result<DrillSummary> ReadDrillSummary(const Json& report) {
  DrillSummary summary;
  std::vector<NamedStage> named;
  std::vector<Check> checks;
  JsonReader reader(report);
  reader.ReadIf("id", summary.id);
  reader.Read("snapshot", summary.snapshot);
  reader.ReadIf("site", summary.site);
  reader.ReadIf("newest", summary.newest);
  reader.Read("verdict", summary.verdict);
  reader.Read("level_reached", summary.level_reached);
  reader.Read("rto_seconds", summary.rto_seconds);
  reader.Read("started", summary.started);
  reader.Read("finished", summary.finished);
  reader.ReadIf("etcd_version", summary.etcd_version);
  if (reader.Has("advice")) {
    reader.ReadObject("advice", [&](JsonReader& advice) {
      advice.ReadIf("rto_seconds", summary.forecast_seconds);
    });
  }
  reader.ReadRecords<NamedStage>("stages", named, Read);
  reader.ReadRecords<Check>("checks", checks, Read);
  RETURN_IF_ERROR(reader.status());
  summary.passed =
      summary.level_reached == static_cast<int>(kTopLevel) && summary.verdict == Verdict::kProven;
  std::vector<Stage> stages;
  for (NamedStage& s : named) {
    const auto name = FromName<StageName>(s.name);
    if (!name.has_value()) continue;
    s.stage.name = *name;
    stages.push_back(std::move(s.stage));
  }
  AddStages(stages, summary);
  AddChecks(std::move(checks), summary);
  return summary;
}

}  // namespace etcdrill
