#include "pipeline/drill_evidence.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "crypto/hash.h"

namespace etcdrill::pipeline {
namespace {

// Whether there is a report of the drill that left the mark: it ended, or was told of, and the
// power went before the mark was gone for good.
bool HasReport(const store::LocalStore& store, const DrillSummary& began) {
  if (began.id.empty()) return false;
  const auto reports = store.DrillReports();
  return reports.ok() && std::ranges::any_of(*reports, [&](const store::DrillFile& file) {
           const auto report = ParseDrillSummary(file.json);
           return report.ok() && report->id == began.id;
         });
}

Status TellOfKilledDrill(const Context& context, store::LocalStore& store,
                         const std::string& mark) {
  const auto began = ParseDrillSummary(mark);
  if (!began.ok() || HasReport(store, *began)) return OkStatus();  // the first: not ours
  DrillReport report =
      FailedAtOnce({.snapshot = began->snapshot, .site = began->site, .newest = began->newest},
                   began->started, context.clock.Now(), Error(Reason::kInternal, began->error));
  report.id = began->id;
  // If that can't be written, the mark stays for the next time.
  RETURN_IF_ERROR(KeepReport(store, report, store::IfRefused::kForget));
  context.log.Error("drill failed", {{"snapshot", report.snapshot},
                                     {"stage", NameOf(StageName::kSelect)},
                                     {"err", MessageOf(report.outcome)}});
  return OkStatus();
}

}  // namespace

DrillReport FailedAtOnce(const DrillSubject& subject, WallTime started, WallTime finished,
                         Status why) {
  DrillReport report{.snapshot = subject.snapshot,
                     .site = subject.site,
                     .newest = subject.newest,
                     .started = started,
                     .finished = finished};
  report.stages = {{StageName::kSelect, StageResult::kFail, 0, std::string(MessageOf(why))},
                   {StageName::kCleanup, StageResult::kPass, 0, ""}};
  report.outcome = std::move(why);
  return report;
}

Result<std::unique_ptr<store::DrillMark>> LeaveMark(const Context& context, const std::string& id,
                                                    const DrillSubject& subject,
                                                    const store::LocalStore& store) {
  const WallTime now = context.clock.Now();
  DrillReport report =
      FailedAtOnce(subject, now, now,
                   Error(Reason::kInternal,
                         "the drill that started at {} did not finish: its process was killed, or "
                         "the host went down. Check the memory of the host",
                         FormatRfc3339(now)));
  report.id = id;
  return store.MarkDrill(Dump(ToJson(report)));
}

Status KeepReport(store::LocalStore& store, const DrillReport& report,
                  store::IfRefused if_refused) {
  const auto make = [report](const std::optional<store::DrillFile>& before) {
    return EvidenceJson(report, before);
  };
  return store.AddDrillReport(report.snapshot, report.finished, make, if_refused);
}

Result<std::optional<store::DrillLink>> LastDrillLink(const store::LocalStore& store) {
  ASSIGN_OR_RETURN(const auto names, store.DrillNames());
  if (names.empty()) return std::nullopt;
  const store::DrillFile last = store.ReadDrill(names.back());
  return store::DrillLink{last.name, last.problem.ok() ? Hex(Sha256Of(last.json)) : ""};
}

void TellOfKilledDrills(const Context& context, store::LocalStore& store) {
  const Status told = store.TakeDeadDrills(
      [&](const std::string& mark) { return TellOfKilledDrill(context, store, mark); });
  if (!told.ok()) context.log.Warn("killed drills not reported", {{"err", MessageOf(told)}});
}

}  // namespace etcdrill::pipeline
