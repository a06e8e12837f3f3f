// docs/web.md has a line for each field.
#include "report/status/json.h"

#include <cmath>

#include "base/json_reader.h"
#include "base/version.h"
#include "report/status/judgement.h"

namespace etcdrill::report {
namespace {

Json Head(std::string_view kind, const StatusFacts& f) {
  Json json = NewDocument(kind);
  json["time"] = FormatRfc3339(f.now);
  json["cluster"] = f.cluster;
  return json;
}

Json Time(std::optional<double> unix_seconds) {
  if (!unix_seconds.has_value()) return nullptr;
  return FormatRfc3339(WallTime(std::chrono::seconds(std::llround(*unix_seconds))));
}

Json Number(std::optional<double> value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

Json ToJson(const Question& q) {
  return {{"answer", NameOf(q.answer)}, {"fact", q.fact}, {"more", q.more}};
}

Json ToJson(const SnapshotRow& s, WallTime now) {
  return {{"name", s.name},
          {"taken", FormatRfc3339(s.taken)},
          {"from_future", IsFuture(s.taken, now)},
          {"other_history", s.other_history},
          {"revision", s.revision},
          {"live_keys", s.keys},
          {"size", s.size_bytes},
          {"sha256", s.sha256},
          {"state", NameOf(s.state)},
          {"level", s.level},
          {"last_drill", s.drilled.has_value() ? Json(FormatRfc3339(*s.drilled)) : Json(nullptr)}};
}

Json ToJson(const DrillSummary& d) {
  return {{"snapshot", d.snapshot},
          {"newest", d.newest},
          {"passed", d.passed},
          {"verdict", NameOf(d.verdict)},
          {"level_reached", d.level_reached},
          {"started", FormatRfc3339(d.started)},
          {"finished", FormatRfc3339(d.finished)},
          {"rto_seconds", d.passed ? Json(d.rto_seconds) : Json(nullptr)},
          {"etcd_version", d.etcd_version},
          {"failed_stage", d.failed_stage.has_value() ? NameOf(*d.failed_stage) : ""},
          {"error", d.error},
          {"stage_seconds", ByName(d.stage_seconds)}};
}

Json ToJson(const MemberRow& m) {
  Json json = {{"endpoint", m.endpoint}, {"healthy", m.healthy}, {"problem", m.problem}};
  if (!m.same_as.empty()) json["same_member_as"] = m.same_as;
  if (!m.revision.has_value()) return json;
  json["role"] = m.role;
  json["member_id"] = m.member_id;
  json["cluster_id"] = m.cluster_id;
  json["version"] = m.version;
  json["revision"] = *m.revision;
  json["db_size"] = m.db_size_bytes;
  json["db_in_use"] = m.db_in_use_bytes;
  json["latency_seconds"] = SecondsOf(m.latency);
  return json;
}

}  // namespace

std::string StatusJson(const StatusFacts& f) {
  const Judgement j = Judge(f);
  Json json = Head("Status", f);
  json["version"] = kVersion;
  json["overall"] = NameOf(j.overall());
  json["fresh"] = ToJson(j.fresh);
  json["proven"] = ToJson(j.proven);
  json["restorable"] = ToJson(j.restorable);
  json["in_time"] = ToJson(j.in_time);
  json["troubles"] = Json::array();
  for (const Trouble& t : j.troubles)
    json["troubles"].push_back({{"what", t.what}, {"advice", t.advice}});
  json["objectives"] = {{"rpo_seconds", f.fixed.rpo_seconds},
                        {"restorable_rpo_seconds", f.fixed.restorable_rpo_seconds},
                        {"rto_seconds", f.fixed.rto_seconds}};
  json["restore_seconds"] = {{"measured", Number(f.store.drill_last_duration_seconds)},
                             {"forecast", Number(f.store.drill_forecast_seconds)}};
  json["newest_snapshot"] = Time(f.store.newest.has_value() ? f.store.newest->taken : std::nullopt);
  json["newest_restorable_snapshot"] = Time(f.store.restorable_taken);
  json["snapshots"] = nullptr;
  if (f.store_problem.empty()) {
    json["snapshots"] = {{"untested", f.store.untested},
                         {"restorable", f.store.restorable},
                         {"damaged", f.store.damaged},
                         {"unreadable", f.store.unreadable}};
  }
  json["drill_in_progress"] = f.activity.drill_in_progress;
  json["tasks"] = Json::array();
  for (size_t i = 0; i < kTaskNames.size(); ++i) {
    json["tasks"].push_back({{"name", kTaskNames[i]},
                             {"next", Time(f.activity.next_run[i])},
                             {"last", Time(f.activity.last_run[i])}});
  }
  json["members"] = nullptr;
  if (f.health.has_value()) {
    json["members"] = Json::array();
    for (const MemberRow& m : f.health->members) json["members"].push_back(ToJson(m));
  }
  return Dump(json) + "\n";
}

std::string SnapshotsJson(const StatusFacts& f) {
  Json json = Head("SnapshotList", f);
  json["total"] = f.history.snapshots_total;
  json["items"] = Json::array();
  for (const SnapshotRow& row : f.history.snapshots) json["items"].push_back(ToJson(row, f.now));
  return Dump(json) + "\n";
}

std::string DrillsJson(const StatusFacts& f) {
  Json json = Head("DrillList", f);
  json["total"] = f.history.drills_total;
  json["items"] = Json::array();
  for (const DrillSummary& row : f.history.drills) json["items"].push_back(ToJson(row));
  return Dump(json) + "\n";
}

}  // namespace etcdrill::report
