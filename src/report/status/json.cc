// docs/reference/json.md has a row for each field.
#include <cmath>

#include "base/json_reader.h"
#include "base/version.h"
#include "etcd/roll_call.h"
#include "report/status/judgement.h"
#include "report/status/status.h"
#include "report/tally.h"

namespace etcdrill::report {
namespace {

constexpr size_t kSnapshotsMax = 1000;
constexpr size_t kDrillsMax = 200;

Json Head(std::string_view kind, const View& view) {
  Json json = NewDocument(kind);
  json["time"] = FormatRfc3339(view.now);
  json["cluster"] = view.config->cluster.name;
  return json;
}

Json AsOf(const catalog::CatalogEntry* snapshot, WallTime now) {
  const auto as_of = snapshot != nullptr ? snapshot->AsOf(now) : std::nullopt;
  return as_of.has_value() ? Json(FormatRfc3339(*as_of)) : Json(nullptr);
}

Json Time(std::optional<double> unix_seconds) {
  if (!unix_seconds.has_value()) return nullptr;
  return FormatRfc3339(WallTime(std::chrono::seconds(std::llround(*unix_seconds))));
}

Json ToJson(const Question& q) {
  return {{"answer", NameOf(q.answer)}, {"fact", q.fact}, {"more", q.more}};
}

Json ToJson(const catalog::CatalogEntry& entry, WallTime now) {
  const Manifest& m = entry.manifest;
  return {
      {"name", m.name},
      {"taken", FormatRfc3339(m.taken)},
      {"from_future", IsFuture(m.taken, now)},
      {"other_history", !entry.Counts()},
      {"revision", m.revision},
      {"live_keys", m.live_keys},
      {"size", m.size_bytes},
      {"sha256", m.sha256},
      {"state", NameOf(entry.state)},
      {"level", LevelOf(entry)},
      {"last_drill", entry.last_drill.has_value() ? Json(FormatRfc3339(entry.last_drill->finished))
                                                  : Json(nullptr)}};
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

Json ToJson(const std::string& endpoint, const etcd::HealthProbe& probe) {
  Json json = {{"endpoint", endpoint}, {"healthy", probe.healthy}, {"problem", probe.problem}};
  if (!probe.same_as.empty()) json["same_member_as"] = probe.same_as;
  if (!probe.status.has_value()) return json;
  const etcd::MemberStatus& s = *probe.status;
  json["role"] = s.role();
  json["member_id"] = etcd::IdText(s.member_id);
  json["cluster_id"] = etcd::IdText(s.cluster_id);
  json["version"] = s.version;
  json["revision"] = s.revision;
  json["db_size"] = s.db_size_bytes;
  json["db_in_use"] = s.db_in_use_bytes;
  json["latency_seconds"] = SecondsOf(probe.latency);
  return json;
}

Json CountsOf(const catalog::Catalog& stored, WallTime now) {
  const SnapshotTally tally = TallySnapshots(stored, now);
  Json json;
  for (const SnapshotState state : ValuesOf<SnapshotState>())
    json[std::string(NameOf(state))] = static_cast<double>(tally[state]);
  return json;
}

Json TasksOf(const Activity& activity) {
  Json json = Json::array();
  for (const Task task : ValuesOf<Task>()) {
    json.push_back({{"name", NameOf(task)},
                    {"next", Time(activity[task].next_run)},
                    {"last", Time(activity[task].last_run)}});
  }
  return json;
}

Json Time(std::optional<WallTime> time) {
  return time.has_value() ? Json(FormatRfc3339(*time)) : Json(nullptr);
}

Json ToJson(const SiteView& site) {
  const bool is_known = site.listed.has_value();
  const auto of_listing = [&](auto value) { return is_known ? Json(value) : Json(nullptr); };
  Json copies;
  for (const SnapshotState state : ValuesOf<SnapshotState>()) {
    const auto known = site.copies.find(state);
    copies[std::string(NameOf(state))] = known != site.copies.end() ? known->second : 0;
  }
  Json findings = Json::array();
  for (const SiteFindingView& f : site.findings)
    findings.push_back({{"kind", NameOf(f.kind)}, {"copy", f.copy}, {"text", f.text}});
  const auto time_of_listing = [&](std::optional<WallTime> time) {
    return is_known ? Time(time) : Json(nullptr);
  };
  return {{"name", site.name},
          {"address", site.address},
          {"listed", Time(site.listed)},
          {"copies", of_listing(copies)},
          {"bytes", of_listing(site.bytes)},
          {"newest_copy", time_of_listing(site.newest_copy)},
          {"newest_proven_copy", time_of_listing(site.newest_proven)},
          {"newest_restorable_copy", time_of_listing(site.newest_restorable)},
          {"waiting", of_listing(site.waiting)},
          {"waiting_since", time_of_listing(site.waiting_since)},
          {"lock_wanted", site.wants_lock},
          {"locked_until", time_of_listing(site.locked_until)},
          {"findings", of_listing(findings)},
          {"problem", site.problem.ok() ? "" : MessageOf(site.problem)},
          {"failing_since", Time(site.failing_since)},
          {"identity", site.has_identity},
          {"credentials_end", Time(site.credentials_end)}};
}

Json SitesOf(const View& view) {
  Json json = Json::array();
  for (const SiteView& site : view.sites) json.push_back(ToJson(site));
  return json;
}

Json MembersOf(const View& view) {
  if (view.health == nullptr) return nullptr;
  const etcd::HealthRound& round = *view.health;
  Json json = Json::array();
  for (const etcd::RollEntry& entry : round.roll.entries)
    json.push_back(ToJson(entry.address, round.probes[entry.endpoint]));
  return json;
}

}  // namespace

std::string StatusJson(const View& view, const Activity& activity) {
  const Judgement j = Judge(view, activity);
  const catalog::Catalog& stored = view.Stored();
  const DrillTally drills = TallyDrills(stored.drills, view.now);
  const config::Objectives& objectives = view.config->objectives;
  Json json = Head("Status", view);
  json["version"] = kVersion;
  json["overall"] = NameOf(j.overall());
  json["fresh"] = ToJson(j.fresh);
  json["drilled"] = ToJson(j.drilled);
  json["restorable"] = ToJson(j.restorable);
  json["within_rto"] = ToJson(j.in_time);
  json["copied"] = j.copied.has_value() ? ToJson(*j.copied) : Json(nullptr);
  json["problems"] = Json::array();
  for (const Trouble& t : j.troubles)
    json["problems"].push_back({{"what", t.what}, {"advice", t.advice}});
  json["objectives"] = {{"rpo_seconds", SecondsOf(objectives.rpo)},
                        {"restorable_rpo_seconds", SecondsOf(objectives.restorable_rpo)},
                        {"rto_seconds", SecondsOf(objectives.rto)}};
  json["restore_seconds"] = {{"measured", OrNull(drills.last_duration_seconds)},
                             {"forecast", OrNull(drills.forecast_seconds)}};
  json["newest_snapshot"] = AsOf(stored.Newest(view.now), view.now);
  json["newest_restorable_snapshot"] = AsOf(stored.NewestRestorable(view.now), view.now);
  json["snapshots"] = view.store_problem.empty() ? CountsOf(stored, view.now) : Json(nullptr);
  json["drill_in_progress"] = activity.drill_in_progress;
  json["tasks"] = TasksOf(activity);
  json["members"] = MembersOf(view);
  json["sites"] = SitesOf(view);
  return Dump(json) + "\n";
}

std::string SnapshotsJson(const View& view) {
  const auto& snapshots = view.LastRead().snapshots;
  Json json = Head("SnapshotList", view);
  json["total"] = snapshots.size();
  json["items"] = Json::array();
  for (const catalog::CatalogEntry* entry : NewestFirst(snapshots, kSnapshotsMax))
    json["items"].push_back(ToJson(*entry, view.now));
  return Dump(json) + "\n";
}

std::string DrillsJson(const View& view) {
  const auto& drills = view.LastRead().drills;
  Json json = Head("DrillList", view);
  json["total"] = drills.size();
  json["items"] = Json::array();
  for (const DrillSummary* drill : NewestFirst(drills, kDrillsMax))
    json["items"].push_back(ToJson(*drill));
  return Dump(json) + "\n";
}

}  // namespace etcdrill::report
