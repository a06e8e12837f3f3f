#include "pipeline/drill_report.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "base/json_reader.h"
#include "base/version.h"
#include "crypto/hash.h"
#include "io/process.h"

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
  if (!report.site.empty()) json["site"] = report.site;
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

std::string EvidenceJson(const DrillReport& report, const std::optional<store::DrillFile>& before) {
  Json json = ToJson(report);
  Json previous = nullptr;
  if (before.has_value()) {
    previous = {{"name", before->name}};
    // Of what can't be read there is no sum; it would accuse the report of a change for ever.
    previous["sha256"] = before->problem.ok() ? Json(Hex(Sha256Of(before->json))) : Json(nullptr);
  }
  json["evidence"] = {{"tool", fmt::format("etcdrill {}", kVersion)},
                      {"host", HostName()},
                      {"previous", std::move(previous)}};
  return Dump(json) + "\n";
}

// Each report names its predecessor; the row is whole if every one but the first names one that is
// there, unchanged, and no two name the same.
std::vector<std::string> CheckEvidence(const std::vector<store::DrillFile>& drills) {
  std::vector<std::string> problems;
  std::map<std::string, std::string> sums;
  for (const store::DrillFile& drill : drills) {
    sums[drill.name] = drill.problem.ok() ? Hex(Sha256Of(drill.json)) : "";
  }
  std::set<std::string> named;
  std::string first;
  bool row_began = false;
  for (const store::DrillFile& drill : drills) {
    if (!drill.problem.ok()) {
      problems.push_back(fmt::format("{}: unreadable: {}", drill.name, MessageOf(drill.problem)));
      row_began = true;
      continue;
    }
    const auto link = store::PreviousDrill(drill.json);
    if (!link.has_value()) {
      if (row_began)
        problems.push_back(
            fmt::format("{}: the report does not name the previous one", drill.name));
      continue;
    }
    if (link->name.empty()) {
      // Not by their order here: two may be of one second.
      if (!first.empty())
        problems.push_back(
            fmt::format("{}: the report claims to be the first, as does {}", drill.name, first));
      first = drill.name;
    } else if (!sums.contains(link->name)) {
      problems.push_back(
          fmt::format("{}: the previous report, {}, is missing", drill.name, link->name));
    } else if (const std::string& sum = sums[link->name];
               !sum.empty() && !link->sha256.empty() && sum != link->sha256) {
      problems.push_back(
          fmt::format("{}: the report was changed after {} was written", link->name, drill.name));
    }
    if (!link->name.empty() && !named.insert(link->name).second) {
      problems.push_back(
          fmt::format("{}: two reports name {} as the previous one", drill.name, link->name));
    }
    row_began = true;
  }
  return problems;
}

}  // namespace etcdrill::pipeline
