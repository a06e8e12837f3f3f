// How a drill is run, from top to bottom.
#include "pipeline/run_drill.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/units.h"
#include "crosscheck/history_check.h"
#include "crosscheck/manifest_check.h"
#include "drill/assertions.h"
#include "drill/etcd_binary.h"
#include "drill/etcd_cluster.h"
#include "drill/probe.h"
#include "etcd/roll_call.h"
#include "format/etcd_version.h"
#include "format/snapshot/image.h"
#include "format/wal/wal.h"
#include "io/memory.h"
#include "io/scratch_dir.h"
#include "pipeline/drill_report.h"
#include "pipeline/drill_stages.h"
#include "restore/restore.h"
#include "verify/inventory.h"

namespace etcdrill::pipeline {
namespace {

constexpr Duration kCallLimit = std::chrono::seconds(60);  // of one call to the drill's etcd
constexpr size_t kFullCluster = 3;  // members of a full cluster, before the drill adds one

bool IsOfNewest(const Manifest& drilled, const catalog::Catalog* catalog, WallTime now);
Result<std::unique_ptr<store::DrillMark>> LeaveMark(const Context& context, const std::string& id,
                                                    const std::string& snapshot, bool newest,
                                                    const store::LocalStore& store);
void Climb(DrillStages& stages, const FileDrillRequest& request,
           std::optional<snapshot::Image>& image);
Status KeepReport(store::LocalStore& store, const DrillReport& report, store::IfRefused if_refused);
void ClearDamage(const Context& context, const std::string& snapshot,
                 const catalog::Catalog& catalog, store::LocalStore& store);
Status CheckScratchSpace(const Context& context, const FileDrillRequest& request,
                         const snapshot::Image& image);
Result<drill::Expectation> VerifySnapshot(DrillStages& stages, const FileDrillRequest& request,
                                          const snapshot::Image& image);
Status RestoreMember(const Context& context, const snapshot::Image& image,
                     const drill::ScratchMember& member, const std::string& initial_cluster);
Result<drill::EtcdBinary> ChooseEtcd(DrillStages& stages, const FileDrillRequest& request);
Status CheckAssertionsOnFile(DrillStages& stages, const std::vector<config::Assertion>& assertions,
                             const snapshot::Image& image);

bool HasKeys(const DrillReport& report) {
  return report.verify.has_value() && report.verify->keyspace.has_value();
}

size_t CountEtcds(const FileDrillRequest& request) {
  return request.full_cluster ? kFullCluster + 1 : 1;
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
  auto mark = LeaveMark(context, id, drilled.name, newest, store);
  if (!mark.ok())
    context.log.Warn("the drill can't be marked as begun", {{"err", MessageOf(mark.status())}});

  // The ladder, L0 to L5. From here on neither processes nor data of the drill are left.
  DrillStages stages(context, drilled.name, request.config.timeout);
  std::optional<snapshot::Image> image;
  Climb(stages,
        {.path = store.SnapshotPath(drilled.name),
         .manifest = drilled,
         .config = request.config,
         .full_cluster = request.full_cluster},
        image);

  // Look back: what became of the data since the last proven one. It takes time and memory, so it
  // is no part of the measured restore.
  const bool has_keys = HasKeys(stages.report());
  if (before != nullptr && has_keys && !IsInterrupted(stages.report().outcome)) {
    crosscheck::CheckHistory(context, store, *before, drilled, *image, request.config.history,
                             stages.report().verify->findings);
  }
  StoredDrill drill{.report = stages.Finish(), .kept = OkStatus(), .source = OkStatus()};
  DrillReport& report = drill.report;
  if (IsInterrupted(report.outcome)) return drill;
  report.id = id;
  report.newest = newest;

  // Advice: what a restore would meet now. From here on the report is complete.
  if (has_keys && request.client != nullptr) {
    const auto source = AskSource(*request.client, etcd::ParseId(drilled.cluster_id));
    drill.source = source.status();
    if (source.ok()) report.advice = Advise(report, *source);
  }

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

// L0 to L5. `image` is opened once, for as long as `stages` lives: what is verified is what is
// restored.
void Climb(DrillStages& stages, const FileDrillRequest& request,
           std::optional<snapshot::Image>& image) {
  const Context& context = stages.context();  // ends what takes longer than the drill may
  std::unique_ptr<ScratchDir> scratch;
  std::unique_ptr<drill::EtcdCluster> etcd;
  std::vector<drill::ScratchMember> members;
  drill::Expectation expected;

  // Select: there is room for all that follows, before the first byte is read.
  stages.Run(StageName::kSelect, [&]() -> Status {
    ASSIGN_OR_RETURN(image, snapshot::Image::Open(context, request.path));
    RETURN_IF_ERROR(CheckScratchSpace(context, request, *image));
    ASSIGN_OR_RETURN(scratch, ScratchDir::Create(context, request.config.scratch_dir));
    members = drill::MakeMembers(request.full_cluster ? kFullCluster : 1, scratch->path());
    return OkStatus();
  });

  // Checksum: L0 to L3. Only a file that shows no damage is worth restoring; one that nothing
  // proves is restored, too.
  stages.Run(StageName::kChecksum, [&]() -> Status {
    ASSIGN_OR_RETURN(expected, VerifySnapshot(stages, request, *image));
    return OkStatus();
  });

  // Restore: L4, a data directory of our own making for each member.
  stages.Run(StageName::kRestore, [&]() -> Status {
    for (const drill::ScratchMember& member : members) {
      RETURN_IF_ERROR(RestoreMember(context, *image, member, drill::InitialCluster(members)));
    }
    return OkStatus();
  });

  // Boot: a real etcd, of the version that wrote the snapshot, takes the data directory for its
  // own. Without one the drill ends here, at L4.
  stages.Run(StageName::kBoot, [&]() -> Status {
    const auto binary = ChooseEtcd(stages, request);
    if (!binary.ok()) {
      RETURN_IF_ERROR(CheckAssertionsOnFile(stages, request.config.assertions, *image));
      return binary.status();
    }
    ASSIGN_OR_RETURN(etcd,
                     drill::EtcdCluster::Start(
                         context,
                         {.binary = *binary,
                          .work_dir = scratch->path(),
                          .memory_limit = request.config.etcd_memory_limit,
                          .call_timeout = std::min<Duration>(kCallLimit, request.config.timeout)},
                         members));
    return etcd->WaitReady();
  });

  // Health and verify: L5, it serves exactly what the file holds, and takes a write.
  stages.Run(StageName::kHealth,
             [&] { return stages.Add(drill::CheckHealth(*etcd, expected, context)); });
  stages.Run(StageName::kVerify, [&] {
    std::vector<drill::Check> checks = drill::CheckData(*etcd, expected, context);
    if (drill::WentBack(checks)) return stages.Add(checks);
    if (!request.config.assertions.empty()) {
      checks.push_back(drill::CheckAssertions(etcd->client(), request.config.assertions,
                                              expected.hashkv.revision));
    }
    if (request.full_cluster) {
      checks.push_back(drill::CheckReplicas(*etcd, expected));
      checks.push_back(drill::CheckNewMember(*etcd, expected));
    }
    return stages.Add(checks);
  });

  // What it took so far is the measured restore.
  stages.MeasureRto();

  // Cleanup: whatever happened, neither the processes nor the data outlive the drill.
  stages.RunAlways(StageName::kCleanup, [&]() -> Status {
    if (etcd != nullptr) etcd->Stop();
    return scratch != nullptr ? scratch->Remove() : OkStatus();
  });
}

// kNoSpace if the scratch file system can't hold what a drill of `image` writes.
Status CheckScratchSpace(const Context& context, const FileDrillRequest& request,
                         const snapshot::Image& image) {
  // The restored database may share its blocks with the snapshot, but need not; etcd adds a second
  // WAL segment, and writes.
  constexpr uint64_t kMargin = uint64_t{64} << 20;
  RETURN_IF_ERROR(context.fs.MakeDirs(request.config.scratch_dir, kPrivateDirMode));
  ASSIGN_OR_RETURN(const SpaceInfo space, context.fs.Space(request.config.scratch_dir));
  const uint64_t needed = (image.size() + 2 * wal::kSegmentBytes) * CountEtcds(request) + kMargin;
  if (space.available_bytes >= needed) return OkStatus();
  return Error(Reason::kNoSpace,
               "scratch directory {} has {} bytes free, a drill of {} needs {}; make room or set "
               "drill.scratch_dir",
               request.config.scratch_dir, space.available_bytes, request.path, needed);
}

Result<drill::Expectation> VerifySnapshot(DrillStages& stages, const FileDrillRequest& request,
                                          const snapshot::Image& image) {
  DrillReport& report = stages.report();
  ASSIGN_OR_RETURN(report.verify, crosscheck::VerifyWithManifest(
                                      stages.context(), image, request.manifest, Level::kKeyspace));
  const verify::VerifyReport& seen = *report.verify;
  report.levels = seen.levels;
  report.taken = crosscheck::TakenAt(image, request.manifest, seen);

  std::vector<drill::Check> checks = {
      {CheckName::kSha256, CheckResult::kSkipped,
       request.manifest.has_value() ? request.manifest->sha256 : "that of the trailer",
       seen.sha256}};
  if (seen.levels[Level::kTransfer] == LevelResult::kPass) checks[0].result = CheckResult::kPass;
  if (seen.levels[Level::kTransfer] == LevelResult::kFail) checks[0].result = CheckResult::kFail;
  if (seen.keyspace.has_value() && request.manifest.has_value()) {
    checks.push_back(drill::Compare(CheckName::kDbHash,
                                    fmt::format("{:08x}", request.manifest->hash),
                                    fmt::format("{:08x}", seen.keyspace->hash)));
  }
  const Status compared = stages.Add(checks);
  if (seen.verdict() == Verdict::kDamaged) {
    return Error(Reason::kDamaged, "{} is damaged: {}", request.path, seen.Cause());
  }
  if (!seen.keyspace.has_value()) {
    return Error(Reason::kNotProvable, "{}: {}", request.path, seen.Cause());
  }
  RETURN_IF_ERROR(compared);
  const verify::Keyspace& keyspace = *seen.keyspace;
  return drill::Expectation{.hashkv = keyspace.hashkv,
                            .live_keys = keyspace.live_keys,
                            .may_go_back_to = keyspace.may_go_back ? keyspace.newest_row : 0,
                            .alarms = keyspace.alarms};
}

Status RestoreMember(const Context& context, const snapshot::Image& image,
                     const drill::ScratchMember& member, const std::string& initial_cluster) {
  return restore::Restore(context, {.snapshot = image,
                                    .data_dir = member.data_dir,
                                    .membership = {.name = member.name,
                                                   .initial_cluster = initial_cluster,
                                                   .advertise_peer_urls = {member.PeerUrl()}},
                                    // Its users' passwords are not ours to know, and HashKV does
                                    // not cover them: docs/adr/0004.
                                    .policy = {.drop_auth = true},
                                    .sync = false})
      .status();
}

// Any will do, the best first; none if nothing tells. What the source said of itself is the surest.
// It may be the first member of a cluster that is being upgraded, whose other members serve the
// same data. A storage version above the cluster version is left over from before a downgrade, or
// the downgrade is under way: then either etcd serves the file, and the older one is the likelier
// to come.
std::vector<int> WantedMinors(const verify::Keyspace& keyspace,
                              const std::optional<Manifest>& manifest) {
  const auto storage = EtcdMinorOf(keyspace.storage_version);
  const auto cluster = EtcdMinorOf(keyspace.cluster_version);
  if (manifest.has_value()) {
    if (const auto source = EtcdMinorOf(manifest->etcd_version)) {
      const bool is_upgraded =
          cluster.has_value() && *cluster < *source && storage.value_or(0) < *source;
      return is_upgraded ? std::vector{*source, *cluster} : std::vector{*source};
    }
  }
  if (storage.has_value() && cluster.has_value() && *storage > *cluster)
    return {*cluster, *storage};
  if (storage.has_value()) return {*storage};
  if (cluster.has_value()) return {*cluster};
  return {};
}

// kNoMemory if so many etcds with that many rows each would not fit into what is left of the
// memory, its control group's limit included, or one of them not into `limit` bytes.
Status CheckMemory(uint64_t rows, size_t etcds, std::optional<uint64_t> limit) {
  // Measured with 3.6: 48 MB of anonymous memory for 40,000 rows of 1.5 KB, 315 MB for 500,000, 736
  // MB for 2,100,000 of 100 bytes. The pages of the database are files, and go when memory is
  // needed.
  constexpr uint64_t kEmptyEtcd = uint64_t{64} << 20;
  constexpr uint64_t kBytesARow = 600;
  const uint64_t one = kEmptyEtcd + rows * kBytesARow;
  if (limit.has_value() && one > *limit) {
    return Error(Reason::kNoMemory,
                 "an etcd with {} rows needs about {}, drill.etcd.memory_limit allows {}", rows,
                 FormatSize(one), FormatSize(*limit));
  }
  const uint64_t needed = one * etcds;
  const Result<uint64_t> available = AvailableMemory();
  if (!available.ok() || *available >= needed) return OkStatus();
  return Error(Reason::kNoMemory,
               "{} etcd with {} rows would take about {}, {} are available; raise the memory "
               "limit, or drill elsewhere",
               etcds, rows, FormatSize(needed), FormatSize(*available));
}

// The etcd that may boot it, of the minor version that wrote it; or why none can.
Result<drill::EtcdBinary> ChooseEtcd(DrillStages& stages, const FileDrillRequest& request) {
  const verify::Keyspace& keyspace = *stages.report().verify->keyspace;
  const std::vector<int> minors = WantedMinors(keyspace, request.manifest);
  const auto choose = [&](std::optional<int> minor) {
    return drill::ChooseEtcd(stages.context(), request.config.etcd_binaries, minor);
  };
  Result<drill::EtcdBinary> binary =
      choose(minors.empty() ? std::nullopt : std::optional(minors.front()));
  for (size_t i = 1; i < minors.size() && !binary.ok(); ++i) {
    if (ReasonOf(binary.status()) != Reason::kEtcdVersion) break;
    if (auto other = choose(minors[i]); other.ok()) binary = std::move(other);
  }
  RETURN_IF_ERROR(binary.status());
  stages.report().etcd_version = binary->version;
  RETURN_IF_ERROR(
      CheckMemory(keyspace.total_keys, CountEtcds(request), request.config.etcd_memory_limit));
  return binary;
}

// What can be said of them where there is no etcd to ask: by the keys of the file at its revision.
Status CheckAssertionsOnFile(DrillStages& stages, const std::vector<config::Assertion>& assertions,
                             const snapshot::Image& image) {
  if (assertions.empty()) return OkStatus();
  std::vector<drill::AssertionFacts> facts(assertions.size());
  RETURN_IF_ERROR(verify::ForEachRow(stages.context(), image, [&](const verify::Row& row) {
    if (!row.alive) return;
    for (size_t i = 0; i < assertions.size(); ++i) {
      const config::Assertion& a = assertions[i];
      if (a.key.empty()) {
        facts[i].keys += row.kv.key.starts_with(a.prefix) ? 1 : 0;
      } else if (row.kv.key == a.key) {
        facts[i].value = row.kv.value;
      }
    }
  }));
  return stages.Add({drill::JudgeAssertions(assertions, facts)});
}

Status KeepReport(store::LocalStore& store, const DrillReport& report,
                  store::IfRefused if_refused) {
  const auto make = [report](const std::optional<store::DrillFile>& before) {
    return EvidenceJson(report, before);
  };
  return store.AddDrillReport(report.snapshot, report.finished, make, if_refused);
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
    if (!cleared.ok())
      context.log.Warn("the record of damage can't be cleared", {{"err", MessageOf(cleared)}});
  }
}

// The last of ours; if there is none, the last; if all have lost their manifests, one of those.
const std::string& LastOf(const catalog::Catalog& catalog, WallTime now) {
  if (catalog.snapshots.empty()) return catalog.lost.back().name;
  const catalog::CatalogEntry* const latest = catalog.Latest(now);
  return latest == nullptr ? catalog.snapshots.back().manifest.name : latest->manifest.name;
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
  RETURN_IF_ERROR(KeepReport(store, report, store::IfRefused::kForget));
  context.log.Error("drill failed", {{"snapshot", report.snapshot},
                                     {"stage", NameOf(StageName::kSelect)},
                                     {"err", MessageOf(report.outcome)}});
  return OkStatus();
}

}  // namespace

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
    context.log.Warn("no advice for a restore: the source can't be asked",
                     {{"err", MessageOf(drill.source)}});
  }
  if (!drill.kept.ok())
    context.log.Error("the drill report can't be kept", {{"err", MessageOf(drill.kept)}});
}

DrillReport DrillFile(const Context& context, const FileDrillRequest& request) {
  DrillStages stages(context, request.path, request.config.timeout);
  std::optional<snapshot::Image> image;
  Climb(stages, request, image);
  return stages.Finish();
}

StoredDrill DrillNothing(const Context& context, const catalog::Catalog& catalog,
                         store::LocalStore& store) {
  const WallTime now = context.clock.Now();
  StoredDrill drill{
      .report = FailedAtOnce(LastOf(catalog, now), true, now, now,
                             Error(Reason::kNotFound,
                                   "there is nothing to drill: each of the {} snapshots in the "
                                   "store is damaged, can't be read, or is of another history",
                                   catalog.snapshots.size() + catalog.lost.size())),
      .kept = OkStatus(),
      .source = OkStatus()};
  drill.kept = KeepReport(store, drill.report, store::IfRefused::kCount);
  return drill;
}

void TellOfKilledDrills(const Context& context, store::LocalStore& store) {
  const Status told = store.TakeDeadDrills(
      [&](const std::string& mark) { return TellOfKilledDrill(context, store, mark); });
  if (!told.ok())
    context.log.Warn("drills that were killed can't be told of", {{"err", MessageOf(told)}});
}

}  // namespace etcdrill::pipeline
