// Drill reports as JSON, both ways.
#include "pipeline/drill_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace etcdrill::pipeline {
namespace {

using Json = nlohmann::ordered_json;

std::string_view NameOf(StageResult result) {
  switch (result) {
    case StageResult::kPass:
      return "pass";
    case StageResult::kFail:
      return "fail";
    case StageResult::kSkipped:
      return "skipped";
  }
  return "";
}

std::string_view NameOf(drill::CheckResult result) {
  switch (result) {
    case drill::CheckResult::kPass:
      return "pass";
    case drill::CheckResult::kFail:
      return "fail";
    case drill::CheckResult::kSkipped:
      return "skipped";
    case drill::CheckResult::kNotComparable:
      return "not_comparable";
  }
  return "";
}

Json ToJson(const RestoreAdvice& advice) {
  return {
      {"source_revision", advice.source_revision},
      {"missed_revisions", advice.missed_revisions},
      {"bump_revision", advice.bump_revision},
      {"source_bytes", advice.source_bytes},
      {"rto_seconds", advice.rto_seconds.has_value() ? Json(*advice.rto_seconds) : Json(nullptr)}};
}

Stage ToStage(const Json& json) {
  const std::string result = json.at("result").get<std::string>();
  return {json.at("name").get<std::string>(),
          result == NameOf(StageResult::kFail)      ? StageResult::kFail
          : result == NameOf(StageResult::kSkipped) ? StageResult::kSkipped
                                                    : StageResult::kPass,
          json.at("duration_seconds").get<double>(), json.at("error").get<std::string>()};
}

const Stage* FirstWith(StageResult result, const std::vector<Stage>& stages) {
  const auto at = std::find_if(stages.begin(), stages.end(),
                               [=](const Stage& s) { return s.result == result; });
  return at == stages.end() ? nullptr : &*at;
}

// A drill of a file that lies in no store has words there.
std::string Sha256In(std::string expected) {
  constexpr size_t kHexDigits = 64;
  return expected.size() == kHexDigits ? std::move(expected) : "";
}

}  // namespace

std::string FailedStage(const std::vector<Stage>& stages) {
  for (const StageResult result : {StageResult::kFail, StageResult::kSkipped}) {
    if (const Stage* const stage = FirstWith(result, stages)) return stage->name;
  }
  return std::string(kChecksumStage);
}

std::string ToJson(const DrillReport& report) {
  Json stages = Json::array();
  for (const Stage& s : report.stages) {
    stages.push_back({{"name", s.name},
                      {"result", NameOf(s.result)},
                      {"duration_seconds", s.duration_seconds},
                      {"error", s.error}});
  }
  Json checks = Json::array();
  for (const drill::Check& c : report.checks) {
    checks.push_back({{"name", c.name},
                      {"result", NameOf(c.result)},
                      {"expected", c.expected},
                      {"actual", c.actual}});
  }
  Json verify =
      report.verify.has_value() ? Json::parse(verify::ToJson(*report.verify)) : Json(nullptr);
  Json json = {{"apiVersion", "etcdrill/v1"},
               {"kind", "DrillReport"},
               {"snapshot", report.snapshot},
               {"newest", report.newest},
               {"verdict", verify::VerdictName(report.verdict)},
               {"level_reached", report.level_reached},
               {"started", FormatRfc3339(report.started)},
               {"finished", FormatRfc3339(report.finished)},
               {"stages", std::move(stages)},
               {"checks", std::move(checks)},
               {"rto_seconds", report.rto_seconds},
               {"etcd_version", report.etcd_version},
               {"verify", std::move(verify)},
               {"advice", report.advice.has_value() ? ToJson(*report.advice) : Json(nullptr)}};
  if (!report.id.empty()) json["id"] = report.id;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Duration DrillReport::Took() const {
  double seconds = 0;
  for (const Stage& stage : stages) seconds += stage.duration_seconds;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

bool DrillSummary::ReadStoredBytes() const {
  const auto sum = checks.find(std::string(drill::kSha256Check));
  return sum != checks.end() && sum->second;
}

Result<DrillSummary> ParseDrillSummary(std::string_view text) {
  // The one place where the JSON library may throw: a field of another type than we wrote makes the
  // whole unreadable.
  try {
    // Most of the text is the verifier's report, of which nothing is asked for here.
    const Json json =
        Json::parse(text, [](int depth, Json::parse_event_t event, const Json& parsed) {
          return depth != 1 || event != Json::parse_event_t::key || parsed != "verify";
        });
    if (json.at("kind") != "DrillReport") return Error(Reason::kDamaged, "not a drill report");
    DrillSummary summary;
    summary.id = json.value("id", "");
    summary.snapshot = json.at("snapshot").get<std::string>();
    summary.newest = json.value("newest", true);
    summary.verdict = json.at("verdict").get<std::string>();
    summary.level_reached = json.at("level_reached").get<int>();
    summary.rto_seconds = json.at("rto_seconds").get<double>();
    if (json.contains("advice") && json["advice"].is_object() &&
        json["advice"].at("rto_seconds").is_number()) {
      summary.forecast_seconds = json["advice"]["rto_seconds"].get<double>();
    }
    const auto started = ParseRfc3339(json.at("started").get<std::string>());
    const auto finished = ParseRfc3339(json.at("finished").get<std::string>());
    if (!started.has_value() || !finished.has_value())
      return Error(Reason::kDamaged, "a drill report without its times");
    summary.started = *started;
    summary.finished = *finished;
    summary.passed = summary.level_reached == kTopLevel &&
                     summary.verdict == verify::VerdictName(verify::Verdict::kProven);
    summary.etcd_version = json.value("etcd_version", "");
    std::vector<Stage> stages;
    for (const Json& stage : json.at("stages")) stages.push_back(ToStage(stage));
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
          skipped ? "the drill's time was up" : "nothing proves the bytes of the snapshot";
    }
    for (const Json& check : json.at("checks")) {
      const std::string result = check.at("result").get<std::string>();
      const std::string name = check.at("name").get<std::string>();
      if (result == "pass" || result == "fail") summary.checks[name] = result == "pass";
      if (name == drill::kSha256Check)
        summary.sha256 = Sha256In(check.at("expected").get<std::string>());
    }
    return summary;
  } catch (const Json::exception& e) {
    return Error(Reason::kDamaged, std::string("not a drill report: ") + e.what());
  }
}

}  // namespace etcdrill::pipeline
