// How a drill is run, from top to bottom.
#include "pipeline/run_drill.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "crosscheck/history_check.h"
#include "etcd/roll_call.h"
#include "format/snapshot/image.h"
#include "pipeline/drill_evidence.h"
#include "pipeline/drill_report.h"
#include "pipeline/drill_stages.h"
#include "pipeline/ladder.h"

namespace etcdrill::pipeline {
namespace {

bool IsOfNewest(const Manifest& drilled, const catalog::Catalog* catalog, WallTime now);
void ClearDamage(const Context& context, const std::string& snapshot,
                 const catalog::Catalog& catalog, store::LocalStore& store);

bool HasKeys(const DrillReport& report) {
  return report.verify.has_value() && report.verify->keyspace.has_value();
}

}  // namespace

StoredDrill RunDrill(const Context& context, const DrillRequest& request,
                     store::LocalStore& store) {
  // Those that were killed before come first in the row of reports.
  TellOfKilledDrills(context, store);

  // The store as it is before the drill: a snapshot may be added meanwhile. Retention leaves the
  // one before it until it was compared with. If that is gone already, the look back tells it.
  const Manifest& drilled = request.snapshot;
  const auto read = request.catalog.Refresh(context);
  const catalog::Catalog* const catalog = read.ok() ? read->get() : nullptr;
  const WallTime now = context.clock.Now();
  const Manifest* const before =
      catalog != nullptr ? crosscheck::LastRestorableBefore(*catalog, drilled, now) : nullptr;
  const auto use = before != nullptr ? store.Use(before->name) : nullptr;

  // Mark: until the drill ends, it is the report of what happens if the drill never does.
  const std::string id = fmt::format("{:016x}", context.random.Next());
  const bool newest = request.newest.value_or(IsOfNewest(drilled, catalog, now));
  auto mark = LeaveMark(context, id, {.snapshot = drilled.name, .newest = newest}, store);
  if (!mark.ok()) context.log.Warn("drill mark not written", {{"err", MessageOf(mark.status())}});

  // The ladder, L0 to L5. From here on neither processes nor data of the drill are left.
  DrillStages stages(context, drilled.name, request.config.timeout);
  std::optional<snapshot::Image> image;
  Climb(stages,
        {.path = store.SnapshotPath(drilled.name),
         .manifest = drilled,
         .config = request.config,
         .full_cluster = request.full_cluster},
        image);

  // Look back: what became of the data since the last restorable one. It takes time and memory, so
  // it is no part of the measured restore.
  if (before != nullptr && HasKeys(stages.report()) && !IsInterrupted(stages.report().outcome)) {
    crosscheck::CheckHistory(context, store, *before, drilled, *image, request.config.history,
                             stages.report().verify->findings);
  }
  StoredDrill drill{.report = stages.Finish(), .kept = OkStatus(), .source = OkStatus()};
  DrillReport& report = drill.report;
  if (IsInterrupted(report.outcome)) return drill;
  report.id = id;
  report.newest = newest;

  // Advice: what a restore would meet now. From here on the report is complete.
  AddAdvice(drilled, request.client, drill);

  // Evidence: the report joins the row, and says what the mark was left for.
  drill.kept = KeepReport(store, report, store::IfRefused::kCount);
  if (mark.ok()) mark->reset();

  // A drill that passed has read all bytes, and they are what they were.
  if (report.passed() && catalog != nullptr) ClearDamage(context, report.snapshot, *catalog, store);
  return drill;
}

namespace {

// Whether a drill of it says what a restore would meet today. Where none is usable, one of ours
// that passes will be the newest.
bool IsOfNewest(const Manifest& drilled, const catalog::Catalog* catalog, WallTime now) {
  if (drilled.other_history) return false;
  if (catalog == nullptr || catalog->Newest(now) == nullptr) return true;
  // The newest that is usable, and what is newer and was drilled all the same.
  return drilled.name == catalog->Newest(now)->manifest.name ||
         drilled.name == catalog->Latest(now)->manifest.name;
}

// What the scrub found meanwhile stands.
void ClearDamage(const Context& context, const std::string& snapshot,
                 const catalog::Catalog& catalog, store::LocalStore& store) {
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    if (entry.manifest.name != snapshot || !entry.checks.damaged.has_value()) continue;
    const auto clear = [&, now = context.clock.Now()](Checks& checks) {
      entry.RecordRight(checks, now, "");
    };
    const Status cleared = store.UpdateChecks(snapshot, clear, store::IfRefused::kCount);
    if (!cleared.ok()) context.log.Warn("damage record not cleared", {{"err", MessageOf(cleared)}});
  }
}

// The last of ours; if there is none, the last; if all have lost their manifests, one of those.
const std::string& LastOf(const catalog::Catalog& catalog, WallTime now) {
  if (catalog.snapshots.empty()) return catalog.lost.back().name;
  const catalog::CatalogEntry* const latest = catalog.Latest(now);
  return latest == nullptr ? catalog.snapshots.back().manifest.name : latest->manifest.name;
}

}  // namespace

void AddAdvice(const Manifest& drilled, const etcd::Client* client, StoredDrill& drill) {
  if (!HasKeys(drill.report) || client == nullptr) return;
  const auto source = AskSource(*client, etcd::ParseId(drilled.cluster_id));
  drill.source = source.status();
  if (source.ok()) drill.report.advice = Advise(drill.report, *source);
}

Result<SourceNow> AskSource(const etcd::Client& client, std::optional<uint64_t> known) {
  const etcd::RollCall roll = etcd::CallRoll(client, known);
  RETURN_IF_ERROR(roll.outcome);
  SourceNow now;
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) continue;
    now.revision = std::max(now.revision, member->status->revision);
    now.db_bytes = std::max(now.db_bytes, static_cast<uint64_t>(member->status->db_size_bytes));
  }
  return now;
}

RestoreAdvice Advise(const DrillReport& report, const SourceNow& source) {
  const verify::VerifyReport& seen = *report.verify;
  const int64_t revision = seen.keyspace->hashkv.revision;
  RestoreAdvice advice{.source_revision = source.revision,
                       .missed_revisions = std::max<int64_t>(source.revision - revision, 0),
                       .bump_revision = SafeBump(revision, source.revision),
                       .source_bytes = source.db_bytes,
                       .rto_seconds = std::nullopt};
  if (report.passed() && seen.size_bytes > 0) {
    // A straight line through what was measured; never less than that, because a part of it has
    // nothing to do with size.
    const double growth =
        static_cast<double>(source.db_bytes) / static_cast<double>(seen.size_bytes);
    advice.rto_seconds = report.rto_seconds * std::max(growth, 1.0);
  }
  return advice;
}

uint64_t SafeBump(int64_t snapshot_revision, int64_t source_revision) {
  // Between this answer and the restore the source may write as much again, and revisions are 63
  // bits wide: a round number with room costs nothing.
  constexpr uint64_t kStep = 1'000'000;
  const auto missed =
      static_cast<uint64_t>(std::max<int64_t>(source_revision - snapshot_revision, 0));
  return (2 * missed / kStep + 1) * kStep;
}

void TellWhatIsMissing(const Context& context, const StoredDrill& drill) {
  if (!drill.source.ok()) {
    context.log.Warn("no restore estimate: cluster unreachable",
                     {{"err", MessageOf(drill.source)}});
  }
  if (!drill.kept.ok())
    context.log.Error("drill report not kept", {{"err", MessageOf(drill.kept)}});
  if (!drill.at_site.ok())
    context.log.Warn("drill report not copied to its site", {{"err", MessageOf(drill.at_site)}});
}

StoredDrill DrillNothing(const Context& context, const catalog::Catalog& catalog,
                         store::LocalStore& store) {
  const WallTime now = context.clock.Now();
  StoredDrill drill{
      .report = FailedAtOnce({.snapshot = LastOf(catalog, now)}, now, now,
                             Error(Reason::kNotFound,
                                   "nothing to drill: each of the {} snapshots in the store is "
                                   "damaged, unreadable or of another history",
                                   catalog.snapshots.size() + catalog.lost.size())),
      .kept = OkStatus(),
      .source = OkStatus()};
  drill.kept = KeepReport(store, drill.report, store::IfRefused::kCount);
  return drill;
}

}  // namespace etcdrill::pipeline
