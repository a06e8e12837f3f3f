#include "pipeline/drill_report.h"

#include "base/json_reader.h"

namespace etcdrill::pipeline {
namespace {

Json ToJson(const RestoreAdvice& advice) {
  return {{"source_revision", advice.source_revision},
          {"missed_revisions", advice.missed_revisions},
          {"bump_revision", advice.bump_revision},
          {"source_bytes", advice.source_bytes},
          {"rto_seconds", OrNull(advice.rto_seconds)}};
}

Json ToJson(const Stage& stage) {
  return {{"name", NameOf(stage.name)},
          {"result", NameOf(stage.result)},
          {"duration_seconds", stage.duration_seconds},
          {"error", stage.error}};
}

Json ToJson(const drill::Check& check) {
  return {{"name", NameOf(check.name)},
          {"result", NameOf(check.result)},
          {"expected", check.expected},
          {"actual", check.actual}};
}

}  // namespace

Json ToJson(const DrillReport& report) {
  Json json = NewDocument(kDrillReportKind);
  json.update({{"snapshot", report.snapshot},
               {"newest", report.newest},
               {"verdict", NameOf(report.verdict())},
               {"level_reached", report.level_reached()},
               {"started", FormatRfc3339(report.started)},
               {"finished", FormatRfc3339(report.finished)},
               {"stages", Json::array()},
               {"checks", Json::array()},
               {"rto_seconds", report.rto_seconds},
               {"etcd_version", report.etcd_version},
               {"verify", report.verify.has_value() ? ToJson(*report.verify) : Json(nullptr)},
               {"advice", report.advice.has_value() ? ToJson(*report.advice) : Json(nullptr)}});
  for (const Stage& stage : report.stages) json["stages"].push_back(ToJson(stage));
  for (const drill::Check& check : report.checks) json["checks"].push_back(ToJson(check));
  if (!report.id.empty()) json["id"] = report.id;
  return json;
}

const Findings& DrillReport::findings() const {
  static const Findings kNone;
  return verify.has_value() ? verify->findings : kNone;
}

Duration DrillReport::Took() const {
  double seconds = 0;
  for (const Stage& stage : stages) seconds += stage.duration_seconds;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace etcdrill::pipeline
