// What is done around a drill takes time, too; it comes after the drill, so that it is no part of
// the measured restore.
#include "pipeline/stored_drill.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "crosscheck/history_check.h"
#include "etcd/ids.h"
#include "pipeline/drill_evidence.h"
#include "pipeline/restore_advice.h"

namespace etcdrill::pipeline {
namespace {

// Whether a drill of it says what a restore would meet today. Where none is usable, one of ours
// that passes will be the newest.
bool IsOfNewest(const Manifest& drilled, const Result<catalog::Catalog>& catalog) {
  if (drilled.other_history) return false;
  if (!catalog.ok() || catalog->Newest() == nullptr) return true;
  // The newest that is usable, and what is newer and was drilled all the same.
  return drilled.name == catalog->Newest()->manifest.name ||
         drilled.name == catalog->Latest()->manifest.name;
}

// The last of ours; if there is none, the last; if all have lost their manifests, one of those.
const std::string& LastOf(const catalog::Catalog& catalog) {
  if (catalog.snapshots.empty()) return catalog.lost.back().name;
  const catalog::CatalogEntry* const latest = catalog.Latest();
  return latest == nullptr ? catalog.snapshots.back().manifest.name : latest->manifest.name;
}

// The report of a drill that did nothing.
DrillReport FailedAtOnce(const std::string& snapshot, bool newest, WallTime started,
                         WallTime finished, Status why) {
  DrillReport report{
      .snapshot = snapshot, .newest = newest, .started = started, .finished = finished};
  report.stages = {{StageName::kSelect, StageResult::kFail, 0, std::string(MessageOf(why))},
                   {StageName::kCleanup, StageResult::kPass, 0, ""}};
  report.outcome = std::move(why);
  return report;
}

Status Keep(store::LocalStore& store, const DrillReport& report, store::IfRefused if_refused) {
  const auto make = [report](const std::optional<store::DrillFile>& before) {
    return EvidenceJson(report, before);
  };
  return store.AddDrillReport(report.snapshot, report.finished, make, if_refused);
}

// Removed when the drill has ended; until then it is the report of what happens if the drill never
// does.
Result<std::unique_ptr<store::DrillMark>> LeaveMark(const Context& context, const std::string& id,
                                                    const std::string& snapshot, bool newest,
                                                    const store::LocalStore& store) {
  const WallTime now = context.clock.Now();
  DrillReport report =
      FailedAtOnce(snapshot, newest, now, now,
                   Error(Reason::kInternal,
                         "the drill that began at {} never ended: its process was killed (is there "
                         "enough memory?), or the machine went down",
                         FormatRfc3339(now)));
  report.id = id;
  return store.MarkDrill(Dump(ToJson(report)));
}

// Whether there is a report of the drill that left the mark: it ended, or was told of, and the
// power went before the mark was gone for good.
bool HasReport(const Context& context, const store::LocalStore& store, const DrillSummary& began) {
  if (began.id.empty()) return false;
  const auto catalog = catalog::ReadCatalog(context, store);
  return catalog.ok() && std::ranges::any_of(catalog->drills, [&](const DrillSummary& d) {
           return d.id == began.id;
         });
}

Status TellOfKilledDrill(const Context& context, store::LocalStore& store,
                         const std::string& mark) {
  const auto began = ParseDrillSummary(mark);
  if (!began.ok() || HasReport(context, store, *began)) return OkStatus();  // the first: not ours
  DrillReport report = FailedAtOnce(began->snapshot, began->newest, began->started,
                                    context.clock.Now(), Error(Reason::kInternal, began->error));
  report.id = began->id;
  // If that can't be written, the mark stays for the next time.
  RETURN_IF_ERROR(Keep(store, report, store::IfRefused::kForget));
  context.log.Error("drill failed", {{"snapshot", report.snapshot},
                                     {"stage", NameOf(StageName::kSelect)},
                                     {"err", MessageOf(report.outcome)}});
  return OkStatus();
}

// Its bytes were all read, and are what they were. What the scrub found meanwhile stands.
void ClearDamage(const Context& context, const std::string& snapshot,
                 const catalog::Catalog& catalog, store::LocalStore& store) {
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    if (entry.manifest.name != snapshot || !entry.checks.damaged.has_value()) continue;
    const auto clear = [&, now = context.clock.Now()](Checks& checks) {
      entry.RecordRight(checks, now, "");
    };
    const Status cleared = store.UpdateChecks(snapshot, clear, store::IfRefused::kCount);
    if (!cleared.ok())
      context.log.Warn("the record of damage can't be cleared", {{"err", MessageOf(cleared)}});
  }
}

}  // namespace

StoredDrill DrillStored(const Context& context, const DrillRequest& request, etcd::Client* client,
                        store::LocalStore& store) {
  TellOfKilledDrills(context, store);
  const Manifest& now = *request.manifest;
  // As the store is before the drill: a snapshot may be added meanwhile.
  const Result<catalog::Catalog> catalog = catalog::ReadCatalog(context, store, now.cluster);
  const bool is_newest = request.newest.value_or(IsOfNewest(now, catalog));
  const Manifest* const before =
      catalog.ok() ? crosscheck::LastProvenBefore(*catalog, now) : nullptr;
  // Retention leaves it until it was compared with. Gone already: that is told there.
  const auto use = before != nullptr ? store.Use(before->name) : nullptr;
  const std::string id = fmt::format("{:016x}", context.random.Next());
  auto mark = LeaveMark(context, id, request.snapshot, is_newest, store);
  if (!mark.ok())
    context.log.Warn("the drill can't be marked as begun", {{"err", MessageOf(mark.status())}});
  DrillRequest with_history = request;
  if (before != nullptr) {
    with_history.look_back = [&](const snapshot::Image& image, Findings& findings) {
      crosscheck::CheckHistory(context, store, *before, now, image, request.config.history,
                               findings);
    };
  }
  StoredDrill drill{
      .report = RunDrill(context, with_history), .kept = OkStatus(), .source = OkStatus()};
  DrillReport& report = drill.report;
  if (IsInterrupted(report.outcome)) return drill;
  report.id = id;
  report.newest = is_newest;
  const bool has_keys = report.verify.has_value() && report.verify->keyspace.has_value();
  if (has_keys && client != nullptr) {
    const auto source = AskSource(*client, etcd::ParseId(now.cluster_id));
    drill.source = source.status();
    if (source.ok()) report.advice = Advise(report, *source);
  }
  drill.kept = Keep(store, report, store::IfRefused::kCount);
  if (mark.ok()) mark->reset();  // it was told
  if (report.passed() && catalog.ok()) ClearDamage(context, report.snapshot, *catalog, store);
  return drill;
}

StoredDrill DrillNothing(const Context& context, const catalog::Catalog& catalog,
                         store::LocalStore& store) {
  const WallTime now = context.clock.Now();
  StoredDrill drill{
      .report = FailedAtOnce(LastOf(catalog), true, now, now,
                             Error(Reason::kNotFound,
                                   "there is nothing to drill: each of the {} snapshots in the "
                                   "store is damaged, can't be read, or is of another history",
                                   catalog.snapshots.size() + catalog.lost.size())),
      .kept = OkStatus(),
      .source = OkStatus()};
  drill.kept = Keep(store, drill.report, store::IfRefused::kCount);
  return drill;
}

void TellOfKilledDrills(const Context& context, store::LocalStore& store) {
  const Status told = store.TakeDeadDrills(
      [&](const std::string& mark) { return TellOfKilledDrill(context, store, mark); });
  if (!told.ok())
    context.log.Warn("drills that were killed can't be told of", {{"err", MessageOf(told)}});
}

}  // namespace etcdrill::pipeline
