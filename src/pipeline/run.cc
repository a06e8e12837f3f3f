// How a snapshot is taken and proven, from top to bottom.
#include "pipeline/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "capture/capture.h"
#include "catalog/known_cluster.h"
#include "crosscheck/adopted_time.h"
#include "crosscheck/live_head.h"
#include "crosscheck/other_history.h"
#include "crosscheck/receipt_check.h"
#include "crosscheck/store_lineage.h"
#include "crosscheck/suspicion.h"
#include "drill/assertions.h"
#include "drill/etcd_cluster.h"
#include "drill/probe.h"
#include "etcd/ids.h"
#include "format/snapshot/image.h"
#include "io/scratch_dir.h"
#include "pipeline/drill_stages.h"
#include "proof/finding_codes.h"
#include "restore/restore.h"
#include "store/names.h"

namespace etcdrill::pipeline {
namespace {

constexpr Duration kCallLimit = std::chrono::seconds(60);  // of one call to the drill's etcd
constexpr Duration kFirstRetryPause = std::chrono::seconds(1);
constexpr Duration kLongestRetryPause = std::chrono::seconds(30);
constexpr int kSecondsAheadMax = 10;  // of a snapshot's name

using Adopted = std::optional<AdoptedRecord>;

Manifest MakeManifest(const SnapshotRequest& request, const capture::CaptureResult& captured,
                      const verify::VerifyReport& report, const Adopted& adopted) {
  const verify::Keyspace keyspace = report.keyspace.value_or(verify::Keyspace{});
  Manifest m;
  // What can't be read from a damaged file is taken from what the member said before the stream.
  m.revision = report.keyspace.has_value() ? keyspace.hashkv.revision : captured.source.revision;
  m.taken = std::chrono::floor<std::chrono::seconds>(captured.taken);
  m.name = store::SnapshotName(request.cluster, m.revision, m.taken);
  m.cluster = request.cluster;
  m.size_bytes = captured.size_bytes;
  m.sha256 = captured.sha256;
  m.compact_revision = keyspace.hashkv.compact_revision;
  m.hash = keyspace.hash;
  m.hashkv = keyspace.hashkv.hash;
  m.total_keys = keyspace.total_keys;
  m.live_keys = keyspace.live_keys;
  m.storage_version = keyspace.storage_version;
  m.verdict = report.verdict();
  m.endpoint = captured.endpoint;
  m.chosen = captured.why;
  // Nobody knows them of a file that somebody else took.
  if (captured.source.member_id != 0) m.member_id = etcd::IdText(captured.source.member_id);
  if (captured.source.cluster_id != 0) m.cluster_id = etcd::IdText(captured.source.cluster_id);
  m.etcd_version = captured.source.version;
  m.duration_seconds = captured.duration_seconds;
  m.adopted = adopted;
  return m;
}

Status VerdictStatus(const verify::VerifyReport& report) {
  if (report.verdict() == Verdict::kProven) return OkStatus();
  const bool damaged = report.verdict() == Verdict::kDamaged;
  return Error(damaged ? Reason::kDamaged : Reason::kNotProvable, "{} is {}: {}", report.file,
               damaged ? "damaged" : "not provable", report.Cause());
}

// Its data can be compared: nothing speaks against it, whether its bytes are proven or not.
bool HasSoundKeys(const SnapshotOutcome& outcome) {
  const bool damaged = !outcome.verdict.ok() && ReasonOf(outcome.verdict) != Reason::kNotProvable;
  return !damaged && outcome.verify.levels[Level::kKeyspace] == LevelResult::kPass;
}

struct Captured {
  capture::CaptureResult capture;
  snapshot::Image image;  // of its file
  SnapshotOutcome outcome;
  etcd::RollCall roll;  // of those that it was compared with
};

crosscheck::MemberIds IdsOf(const verify::VerifyReport& report,
                            const crosscheck::MembersByCluster& past_members) {
  crosscheck::MemberIds ids{.file = {}, .store = past_members, .index = {}};
  if (!report.keyspace.has_value()) return ids;
  ids.index = report.keyspace->consistent_index;
  for (const verify::MemberRecord& member : report.keyspace->members) ids.file.insert(member.id);
  return ids;
}

// What the store knows of the source.
struct Known {
  std::optional<uint64_t> cluster = {};  // that the stored snapshots are of
  crosscheck::Outvoted outvoted = {};
  crosscheck::MembersByCluster past_members = {};  // whose an adopted file may be
};

// Verify: what all ways into a store or a file have in common. The file is complete, but not
// visible yet. It is compared with the members of the cluster that it is of, or else of the known
// one.
Result<Captured> VerifyCaptured(const Context& context, const SnapshotRequest& request,
                                const Known& known, capture::CaptureResult captured,
                                const Adopted& adopted = {}) {
  // Verify: what came is read back from the disk and goes up the ladder to L3.
  ASSIGN_OR_RETURN(auto image, snapshot::Image::Open(context, captured.file.temp_path()));
  ASSIGN_OR_RETURN(
      verify::VerifyReport report,
      verify::Verify(context, image,
                     {.expected = verify::ExpectedBytes{captured.size_bytes, captured.sha256},
                      .staged = true}));
  SnapshotOutcome outcome{MakeManifest(request, captured, report, adopted), std::move(report),
                          OkStatus(), captured.remarks};
  outcome.verdict = VerdictStatus(outcome.verify);
  // Receipt: the live members say what they hold at this revision. A copy of a wrong member is
  // wrong, however sound. Whose file it is can be told without a trailer, too.
  etcd::RollCall roll;
  if (HasSoundKeys(outcome)) {
    roll =
        etcd::CallRoll(request.client, captured.source.cluster_id != 0 ? captured.source.cluster_id
                                                                       : known.cluster);
    const Status agreed = crosscheck::CompareWithMembers(context, request.client, roll,
                                                         IdsOf(outcome.verify, known.past_members),
                                                         known.outvoted, image, outcome.manifest);
    if (IsInterrupted(agreed)) return agreed;  // who was not asked has not agreed
    if (!agreed.ok()) {
      outcome.verify.findings.Add({.code = codes::kMembersDisagreed,
                                   .severity = Severity::kError,
                                   .text = std::string(MessageOf(agreed))});
      outcome.manifest.verdict = outcome.verify.verdict();
      outcome.verdict = agreed;
    }
  }
  return Captured{std::move(captured), std::move(image), std::move(outcome), std::move(roll)};
}

// Nothing is copied from a member that was outvoted.
Result<Captured> CaptureAndVerify(const Context& context, const SnapshotRequest& request,
                                  const Known& known, const std::string& temp_path) {
  std::set<uint64_t> distrusted;
  for (const auto& [id, revision] : known.outvoted) distrusted.insert(id);
  // Capture: the bytes stream in under a temporary name; their trailer is right, or nothing is left
  // of them.
  ASSIGN_OR_RETURN(
      capture::CaptureResult captured,
      capture::Capture(context, {request.client, temp_path, request.timeout, known.cluster,
                                 std::move(distrusted), request.on_progress}));
  return VerifyCaptured(context, request, known, std::move(captured));
}

// One of ours is newer than all that are there, whatever the clocks say. One of others may be older
// than some.
uint64_t PlaceOf(const Manifest& manifest, const std::vector<store::StoredSnapshot>& stored,
                 WallTime now) {
  const auto newer = std::ranges::find_if(stored, [&](const store::StoredSnapshot& s) {
    const auto age_of = [](const Manifest& m) { return std::tuple(m.taken, m.revision); };
    return age_of(s.manifest) > age_of(manifest) && !IsFuture(s.manifest.taken, now);
  });
  if (manifest.adopted.has_value() && newer != stored.end()) return newer->manifest.place;
  return stored.empty() ? 1 : stored.back().manifest.place + 1;
}

// Another process may have taken one of ours in the same second, at the same revision. An adopted
// one keeps the time of its file.
Status SealInFreeSecond(store::LocalStore& store, DurableFile& file, Manifest& manifest) {
  Status sealed = store.Seal(file, manifest);
  const auto is_taken = [&] { return Is(sealed, Reason::kAlreadyExists); };
  for (int more = 0; is_taken() && more < kSecondsAheadMax && !manifest.adopted.has_value();
       ++more) {
    manifest.taken += std::chrono::seconds(1);
    manifest.name = store::SnapshotName(manifest.cluster, manifest.revision, manifest.taken);
    sealed = store.Seal(file, manifest);
  }
  return sealed;
}

// Puts a verified file into the store, which holds `stored` already. `head` is where the source was
// last seen.
Result<SnapshotOutcome> Keep(const Context& context, const SnapshotRequest& request,
                             Captured captured, const std::vector<store::StoredSnapshot>& stored,
                             std::optional<int64_t> head, store::LocalStore& store) {
  captured.outcome.manifest.place = PlaceOf(captured.outcome.manifest, stored, context.clock.Now());
  // Lineage: does it go on where the newest one of the store ends? A divergence is told, but is no
  // damage.
  if (HasSoundKeys(captured.outcome) && !captured.outcome.manifest.other_history) {
    RETURN_IF_ERROR(crosscheck::CompareWithStore(context, store, captured.image, head,
                                                 captured.outcome.manifest));
  }
  // Who differed stays a suspect when the snapshot, and its receipt, is long gone.
  const Manifest& manifest = captured.outcome.manifest;
  const Status kept =
      crosscheck::KeepSuspects({request.cluster, manifest.revision, context.clock.Now()},
                               {SidesOf(manifest)}, captured.roll, store);
  if (!kept.ok())
    context.log.Error("what the members hold can't be recorded", {{"err", MessageOf(kept)}});
  // Store: the file becomes visible, then its manifest; from here on it survives a power loss.
  RETURN_IF_ERROR(SealInFreeSecond(store, captured.capture.file, captured.outcome.manifest));
  captured.outcome.verify.file = store.SnapshotPath(captured.outcome.manifest.name);
  return std::move(captured.outcome);
}

// A snapshot's name tells the second it was taken in: the next one is taken in a later one.
void WaitForFreeSecond(const Context& context, const std::vector<store::StoredSnapshot>& earlier) {
  const auto is_taken = [&](std::chrono::sys_seconds second) {
    return std::ranges::any_of(
        earlier, [&](const store::StoredSnapshot& s) { return s.manifest.taken == second; });
  };
  for (WallTime now = context.clock.Now();
       is_taken(std::chrono::floor<std::chrono::seconds>(now));) {
    const WallTime next = std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds(1);
    if (!context.clock.SleepFor(next - now, context.stop)) return;
    now = context.clock.Now();
  }
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

// `stored` is what the store holds.
Known KnownTo(const SnapshotRequest& request, const std::vector<store::StoredSnapshot>& stored,
              store::LocalStore& store) {
  Known known{.cluster = catalog::KnownCluster(stored, request.cluster)};
  const auto suspects = [&] {  // it is told if that can't be read, and no reason to take none
    return store.Suspects().value_or(std::nullopt).value_or(std::vector<store::Suspect>());
  };
  const std::vector<store::Suspect> before = suspects();
  if (before.empty()) return known;
  // As far as they are members still.
  const etcd::RollCall roll = etcd::CallRoll(request.client, known.cluster);
  crosscheck::ForgetSuspects(request.cluster, roll, before, store).IgnoreError();  // then they stay
  known.outvoted = crosscheck::OutvotedOf(request.cluster, suspects());
  return known;
}

Result<SnapshotOutcome> AttemptSnapshot(const Context& context, const SnapshotRequest& request,
                                        store::LocalStore& store) {
  ASSIGN_OR_RETURN(const std::vector<store::StoredSnapshot> earlier, store.List());
  WaitForFreeSecond(context, earlier);
  ASSIGN_OR_RETURN(
      Captured captured,
      CaptureAndVerify(context, request, KnownTo(request, earlier, store), store.StagingPath()));
  return Keep(context, request, std::move(captured), earlier, std::nullopt, store);
}

}  // namespace

Result<SnapshotOutcome> TakeSnapshot(const Context& context, const SnapshotRequest& request,
                                     store::LocalStore& store) {
  const MonotonicTime last_start = context.clock.Monotonic() + request.retry_for;
  for (Duration pause = kFirstRetryPause;; pause = std::min(2 * pause, kLongestRetryPause)) {
    Result<SnapshotOutcome> outcome = AttemptSnapshot(context, request, store);
    if (outcome.ok() || !etcd::Client::MayPass(outcome.status())) return outcome;
    if (context.clock.Monotonic() + pause > last_start) return outcome;
    context.log.Warn("snapshot attempt failed",
                     {{"reason", InfoOf(ReasonOf(outcome.status())).name},
                      {"err", MessageOf(outcome.status())},
                      {"retry_seconds", pause}});
    if (context.clock.SleepFor(pause, request.no_retry)) continue;
    RETURN_IF_ERROR(context.CheckStop());
    return outcome;
  }
}

Result<SnapshotOutcome> AdoptSnapshot(const Context& context, const SnapshotRequest& request,
                                      const ForeignFile& file, crosscheck::HeadHistory heads,
                                      store::LocalStore& store) {
  // Import: a copy of our own, because whoever wrote the file may take it away at any moment.
  ASSIGN_OR_RETURN(capture::CaptureResult imported, ImportFile(context, file, store.StagingPath()));
  // The same bytes under a new name are no new snapshot: that is how a job shows that copies one
  // old file every day.
  ASSIGN_OR_RETURN(const auto stored, store.List());
  for (const store::StoredSnapshot& other : stored) {
    if (other.manifest.cluster != request.cluster || other.manifest.sha256 != imported.sha256)
      continue;
    return Error(Reason::kAlreadyExists, "adopt {}: its bytes are those of {}", file.path,
                 other.manifest.name);
  }
  const AdoptedRecord adopted = {
      .path = file.path,
      .size_bytes = file.info.size,
      .modified = std::chrono::floor<std::chrono::seconds>(file.info.modified),
      .changed = std::chrono::floor<std::chrono::seconds>(file.info.changed)};
  Known known = KnownTo(request, stored, store);
  known.past_members = crosscheck::MembersOf(stored, request.cluster);
  ASSIGN_OR_RETURN(Captured captured,
                   VerifyCaptured(context, request, known, std::move(imported), adopted));
  // What is no snapshot is nobody's backup, and no evidence of damage either.
  if (captured.outcome.verify.foreign.has_value()) {
    return Error(Reason::kNotProvable, "adopt {}: {}", file.path, captured.outcome.verify.Cause());
  }
  // It may have been restored just now.
  const etcd::RollCall roll = etcd::CallRoll(request.client, known.cluster);
  heads.Saw(context.clock.Monotonic(), roll,
            [&] { return crosscheck::ReadHead(request.client, roll); });
  Manifest& m = captured.outcome.manifest;
  if (HasSoundKeys(captured.outcome)) {
    m.taken =
        std::chrono::floor<std::chrono::seconds>(TakenAt(file, context.clock.Now(), m.revision));
    crosscheck::BoundTime(context, heads, stored, m);
  }
  crosscheck::GiveFreeName(stored, m);
  auto kept = Keep(context, request, std::move(captured), stored, heads.Head(), store);
  // Somebody else took the name meanwhile: the file's turn comes again.
  if (Is(kept, Reason::kAlreadyExists)) {
    return Error(Reason::kBusy, MessageOf(kept.status()));
  }
  return kept;
}

Result<SnapshotOutcome> SaveSnapshot(const Context& context, const SnapshotRequest& request,
                                     const std::string& path) {
  RETURN_IF_ERROR(Annotate(context.fs.Resolve(path).status(), "save {}", path));
  ASSIGN_OR_RETURN(const bool there, context.fs.IsThere(path));
  if (there) {
    return Error(Reason::kAlreadyExists, "save {}: the file exists; name another, or move it away",
                 path);
  }
  // A name of its own for each attempt: two that save to one path at a time must not share it.
  const std::string temp_path = JoinPath(
      DirName(path), fmt::format(".{}.{:016x}.part", BaseName(path), context.random.Next()));
  ASSIGN_OR_RETURN(Captured captured, CaptureAndVerify(context, request, {}, temp_path));
  RETURN_IF_ERROR(captured.outcome.verdict);
  RETURN_IF_ERROR(captured.capture.file.Commit(path));
  captured.outcome.verify.file = path;
  return std::move(captured.outcome);
}

DrillReport RunDrill(const Context& outer, const DrillRequest& request) {
  DrillStages stages(outer, request);
  const Context& context = stages.context();  // ends what takes longer than the drill may
  std::optional<snapshot::Image> image;       // opened once: what is verified is what is restored
  std::unique_ptr<ScratchDir> scratch;
  std::unique_ptr<drill::EtcdCluster> etcd;
  std::vector<drill::ScratchMember> members;

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
  stages.Run(StageName::kChecksum, [&] { return stages.VerifySnapshot(*image); });
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
    const auto binary = stages.ChooseEtcd();
    if (!binary.ok()) {
      RETURN_IF_ERROR(stages.CheckAssertionsWithoutEtcd(*image));
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
             [&] { return stages.Add(drill::CheckHealth(*etcd, stages.expectation(), context)); });
  stages.Run(StageName::kVerify, [&] {
    std::vector<drill::Check> checks = drill::CheckData(*etcd, stages.expectation(), context);
    if (drill::WentBack(checks)) return stages.Add(checks);
    if (!request.config.assertions.empty()) {
      checks.push_back(drill::CheckAssertions(etcd->client(), request.config.assertions,
                                              stages.expectation().hashkv.revision));
    }
    if (request.full_cluster) {
      checks.push_back(drill::CheckReplicas(*etcd, stages.expectation()));
      checks.push_back(drill::CheckNewMember(*etcd, stages.expectation()));
    }
    return stages.Add(checks);
  });
  stages.MeasureRto();
  // Cleanup: whatever happened, neither the processes nor the data outlive the drill.
  stages.RunAlways(StageName::kCleanup, [&]() -> Status {
    if (etcd != nullptr) etcd->Stop();
    return scratch != nullptr ? scratch->Remove() : OkStatus();
  });
  stages.LookBack(image);
  return stages.Finish();
}

}  // namespace etcdrill::pipeline
