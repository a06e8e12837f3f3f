// How a snapshot is taken and proven, from top to bottom.
#include "pipeline/take_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "crosscheck/lineage.h"
#include "crosscheck/receipt_check.h"
#include "etcd/roll_call.h"
#include "proof/finding_codes.h"
#include "store/names.h"
#include "verify/verify.h"

namespace etcdrill::pipeline {
namespace {

constexpr Duration kFirstRetryPause = std::chrono::seconds(1);
constexpr Duration kLongestRetryPause = std::chrono::seconds(30);
constexpr int kSecondsAheadMax = 10;  // of a snapshot's name

struct Captured {
  std::shared_ptr<const catalog::Catalog> catalog;  // the store as it was before
  Known known;
  capture::CaptureResult copy;
};
Result<Captured> CaptureWithRetry(const Context& context, const SnapshotRequest& request,
                                  store::LocalStore& store);
void WaitForFreeSecond(const Context& context, const catalog::Catalog& catalog);
Result<capture::CaptureResult> Capture(const Context& context, const SaveRequest& request,
                                       const Known& known, const std::string& temp_path);

}  // namespace

Result<SnapshotOutcome> TakeSnapshot(const Context& context, const SnapshotRequest& request,
                                     store::LocalStore& store) {
  // Capture: the bytes stream in under a temporary name; their trailer is right, or nothing is left
  // of them. From here on the file is complete, and nobody writes to it.
  ASSIGN_OR_RETURN(Captured captured, CaptureWithRetry(context, request, store));

  // Verify: what came is read back from the disk and goes up the ladder to L3. From here on every
  // step reads the same open file.
  ASSIGN_OR_RETURN(Candidate candidate,
                   Candidate::Verify(context, request.cluster, std::move(captured.copy)));

  // Receipt: the live members say what they hold at this revision. A copy of a wrong member is
  // wrong, however sound. From here on its verdict stands.
  RETURN_IF_ERROR(candidate.CompareWithMembers(context, request.client, captured.known));

  // Lineage: does it go on where the newest one of the store ends? A divergence is told, but is no
  // damage.
  RETURN_IF_ERROR(
      candidate.CompareWithStore(context, request.catalog, *captured.catalog, std::nullopt, store));

  // Suspects: who differed stays one when the snapshot, and its receipt, is long gone.
  candidate.KeepSuspects(context, store);

  // Store: the file becomes visible, then its manifest, a damaged one, too: it is evidence. From
  // here on it survives a power loss.
  return candidate.Seal(store);
}

namespace {

// Asks again while that may help. Each time the store and the members are looked at anew.
Result<Captured> CaptureWithRetry(const Context& context, const SnapshotRequest& request,
                                  store::LocalStore& store) {
  const auto attempt = [&]() -> Result<Captured> {
    ASSIGN_OR_RETURN(auto catalog, ReadStore(context, request.catalog));
    WaitForFreeSecond(context, *catalog);
    Known known = KnownOf(request.client, request.cluster, *catalog, store);
    ASSIGN_OR_RETURN(auto copy,
                     Capture(context, {request.client, request.timeout, request.on_progress}, known,
                             store.StagingPath()));
    return Captured{std::move(catalog), std::move(known), std::move(copy)};
  };
  const MonotonicTime last_start = context.clock.Monotonic() + request.retry_for;
  for (Duration pause = kFirstRetryPause;; pause = std::min(2 * pause, kLongestRetryPause)) {
    Result<Captured> captured = attempt();
    if (captured.ok() || !etcd::Client::MayPass(captured.status())) return captured;
    if (context.clock.Monotonic() + pause > last_start) return captured;
    context.log.Warn("snapshot attempt failed",
                     {{"reason", InfoOf(ReasonOf(captured.status())).name},
                      {"err", MessageOf(captured.status())},
                      {"retry_seconds", pause}});
    if (context.clock.SleepFor(pause, request.no_retry)) continue;
    RETURN_IF_ERROR(context.CheckStop());
    return captured;
  }
}

// A snapshot's name tells the second it was taken in: the next one is taken in a later one.
void WaitForFreeSecond(const Context& context, const catalog::Catalog& catalog) {
  const auto is_taken = [&](std::chrono::sys_seconds second) {
    return std::ranges::any_of(catalog.snapshots, [&](const catalog::CatalogEntry& entry) {
      return entry.manifest.taken == second;
    });
  };
  for (WallTime now = context.clock.Now();
       is_taken(std::chrono::floor<std::chrono::seconds>(now));) {
    const WallTime next = std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds(1);
    if (!context.clock.SleepFor(next - now, context.stop)) return;
    now = context.clock.Now();
  }
}

// Nothing is copied from a member that was outvoted.
Result<capture::CaptureResult> Capture(const Context& context, const SaveRequest& request,
                                       const Known& known, const std::string& temp_path) {
  std::set<uint64_t> distrusted;
  for (const auto& [id, revision] : known.outvoted) distrusted.insert(id);
  return capture::Capture(context, {request.client, temp_path, request.timeout, known.cluster,
                                    std::move(distrusted), request.on_progress});
}

Manifest MakeManifest(const std::string& cluster, const capture::CaptureResult& copy,
                      const verify::VerifyReport& report,
                      const std::optional<AdoptedRecord>& adopted) {
  const verify::Keyspace keyspace = report.keyspace.value_or(verify::Keyspace{});
  Manifest m;
  // What can't be read from a damaged file is taken from what the member said before the stream.
  m.revision = report.keyspace.has_value() ? keyspace.hashkv.revision : copy.source.revision;
  m.taken = std::chrono::floor<std::chrono::seconds>(copy.taken);
  m.name = store::SnapshotName(cluster, m.revision, m.taken);
  m.cluster = cluster;
  m.size_bytes = copy.size_bytes;
  m.sha256 = copy.sha256;
  m.compact_revision = keyspace.hashkv.compact_revision;
  m.hash = keyspace.hash;
  m.hashkv = keyspace.hashkv.hash;
  m.total_keys = keyspace.total_keys;
  m.live_keys = keyspace.live_keys;
  m.storage_version = keyspace.storage_version;
  m.verdict = report.verdict();
  m.endpoint = copy.endpoint;
  m.chosen = copy.why;
  // Nobody knows them of a file that somebody else took.
  if (copy.source.member_id != 0) m.member_id = etcd::IdText(copy.source.member_id);
  if (copy.source.cluster_id != 0) m.cluster_id = etcd::IdText(copy.source.cluster_id);
  m.etcd_version = copy.source.version;
  m.duration_seconds = copy.duration_seconds;
  m.adopted = adopted;
  return m;
}

Status VerdictStatus(const verify::VerifyReport& report) {
  if (report.verdict() == Verdict::kProven) return OkStatus();
  const bool damaged = report.verdict() == Verdict::kDamaged;
  return Error(damaged ? Reason::kDamaged : Reason::kNotProvable, "{} is {}: {}", report.file,
               damaged ? "damaged" : "not provable", report.Cause());
}

crosscheck::MemberIds IdsOf(const verify::VerifyReport& report,
                            const crosscheck::MembersByCluster& past_members) {
  crosscheck::MemberIds ids{.file = {}, .store = past_members, .index = {}};
  if (!report.keyspace.has_value()) return ids;
  ids.index = report.keyspace->consistent_index;
  for (const verify::MemberRecord& member : report.keyspace->members) ids.file.insert(member.id);
  return ids;
}

// One of ours is newer than all that are there, whatever the clocks say. One of others may be older
// than some.
uint64_t PlaceOf(const Manifest& manifest, const catalog::Catalog& catalog, WallTime now) {
  const auto& stored = catalog.snapshots;
  const auto newer = std::ranges::find_if(stored, [&](const catalog::CatalogEntry& entry) {
    const auto age_of = [](const Manifest& m) { return std::tuple(m.taken, m.revision); };
    return age_of(entry.manifest) > age_of(manifest) && !IsFuture(entry.manifest.taken, now);
  });
  if (manifest.adopted.has_value() && newer != stored.end()) return newer->manifest.place;
  return catalog.last_place + 1;
}

}  // namespace

Result<std::shared_ptr<const catalog::Catalog>> ReadStore(const Context& context,
                                                          catalog::Follower& follower) {
  auto catalog = follower.Refresh(context);
  return catalog.ok() || IsInterrupted(catalog.status()) ? catalog
                                                         : follower.ReadWithoutDrills(context);
}

Known KnownOf(const etcd::Client& client, const std::string& cluster,
              const catalog::Catalog& catalog, store::LocalStore& store) {
  Known known{.cluster = catalog::KnownCluster(catalog.snapshots, cluster),
              .past_members = crosscheck::MembersOf(catalog, cluster)};
  const auto suspects = [&] {  // it is told if that can't be read, and no reason to take none
    return store.Suspects().value_or(std::nullopt).value_or(std::vector<store::Suspect>());
  };
  const std::vector<store::Suspect> before = suspects();
  if (before.empty()) return known;
  // As far as they are members still.
  const etcd::RollCall roll = etcd::CallRoll(client, known.cluster);
  crosscheck::ForgetSuspects(cluster, roll, before, store).IgnoreError();  // then they stay
  known.outvoted = crosscheck::OutvotedOf(cluster, suspects());
  return known;
}

Result<Candidate> Candidate::Verify(const Context& context, const std::string& cluster,
                                    capture::CaptureResult copy,
                                    const std::optional<AdoptedRecord>& adopted) {
  ASSIGN_OR_RETURN(auto image, snapshot::Image::Open(context, copy.file.temp_path()));
  ASSIGN_OR_RETURN(verify::VerifyReport report,
                   verify::Verify(context, image,
                                  {.expected = verify::ExpectedBytes{copy.size_bytes, copy.sha256},
                                   .staged = true}));
  SnapshotOutcome outcome{MakeManifest(cluster, copy, report, adopted), std::move(report),
                          OkStatus(), copy.remarks};
  outcome.verdict = VerdictStatus(outcome.verify);
  return Candidate{std::move(copy), std::move(image), std::move(outcome)};
}

bool Candidate::HasSoundKeys() const {
  const bool damaged = !outcome.verdict.ok() && ReasonOf(outcome.verdict) != Reason::kNotProvable;
  return !damaged && outcome.verify.levels[Level::kKeyspace] == LevelResult::kPass;
}

Status Candidate::CompareWithMembers(const Context& context, const etcd::Client& client,
                                     const Known& known) {
  // Whose file it is can be told without a trailer, too.
  if (!HasSoundKeys()) return OkStatus();
  const uint64_t source = copy.source.cluster_id;
  roll = etcd::CallRoll(client, source != 0 ? source : known.cluster);
  const Status agreed = crosscheck::CompareWithMembers(context, client, roll,
                                                       IdsOf(outcome.verify, known.past_members),
                                                       known.outvoted, image, outcome.manifest);
  if (agreed.ok() || IsInterrupted(agreed)) return agreed;  // who was not asked has not agreed
  outcome.verify.findings.Add({.code = codes::kMembersDisagreed,
                               .severity = Severity::kError,
                               .text = std::string(MessageOf(agreed))});
  outcome.manifest.verdict = outcome.verify.verdict();
  outcome.verdict = agreed;
  return OkStatus();
}

// A capture takes minutes: meanwhile a drill may have found damage in the newest one, or another
// process may have stored a newer one.
Status Candidate::CompareWithStore(const Context& context, catalog::Follower& follower,
                                   const catalog::Catalog& before, std::optional<int64_t> head,
                                   const store::LocalStore& store) {
  const auto stored = follower.Refresh(context);
  if (IsInterrupted(stored.status())) return stored.status();
  const WallTime now = context.clock.Now();
  outcome.manifest.place = PlaceOf(outcome.manifest, stored.ok() ? **stored : before, now);
  if (!HasSoundKeys() || outcome.manifest.other_history) return OkStatus();
  if (!stored.ok()) {  // no reason to lose the fresh snapshot
    context.log.Warn("lineage not checked: store unreadable",
                     {{"err", MessageOf(stored.status())}});
    return OkStatus();
  }
  return crosscheck::CompareWithStore(context, store, **stored, now, image, head, outcome.manifest);
}

void Candidate::KeepSuspects(const Context& context, store::LocalStore& store) const {
  const Manifest& m = outcome.manifest;
  const Status kept = crosscheck::KeepSuspects({m.cluster, m.revision, context.clock.Now()},
                                               {SidesOf(m)}, roll, store);
  if (!kept.ok()) context.log.Error("suspect record not written", {{"err", MessageOf(kept)}});
}

Result<SnapshotOutcome> Candidate::Seal(store::LocalStore& store) {
  Manifest& m = outcome.manifest;
  Status sealed = store.Seal(copy.file, m);
  const auto is_taken = [&] { return Is(sealed, Reason::kAlreadyExists); };
  for (int more = 0; is_taken() && more < kSecondsAheadMax && !m.adopted.has_value(); ++more) {
    m.taken += std::chrono::seconds(1);
    m.name = store::SnapshotName(m.cluster, m.revision, m.taken);
    sealed = store.Seal(copy.file, m);
  }
  RETURN_IF_ERROR(sealed);
  outcome.verify.file = store.SnapshotPath(m.name);
  return std::move(outcome);
}

Result<SnapshotOutcome> SaveSnapshot(const Context& context, const SaveRequest& request,
                                     const std::string& path) {
  // The name is free now, and is not taken from whoever takes it meanwhile.
  RETURN_IF_ERROR(Annotate(context.fs.Resolve(path).status(), "save {}", path));
  ASSIGN_OR_RETURN(const bool there, context.fs.IsThere(path));
  if (there) {
    return Error(Reason::kAlreadyExists,
                 "save {}: the file already exists. Use another path, or move the file away", path);
  }

  // Capture, verify, receipt, as above, but no store knows the source. Two that save to one path at
  // a time must not share a temporary name.
  const std::string temp_path = JoinPath(
      DirName(path), fmt::format(".{}.{:016x}.part", BaseName(path), context.random.Next()));
  ASSIGN_OR_RETURN(auto copy, Capture(context, request, {}, temp_path));
  ASSIGN_OR_RETURN(Candidate candidate, Candidate::Verify(context, "etcd", std::move(copy)));
  RETURN_IF_ERROR(candidate.CompareWithMembers(context, request.client, {}));

  // Only what is proven becomes visible; from here on it survives a power loss.
  RETURN_IF_ERROR(candidate.outcome.verdict);
  RETURN_IF_ERROR(candidate.copy.file.Commit(path));
  candidate.outcome.verify.file = path;
  return std::move(candidate.outcome);
}

}  // namespace etcdrill::pipeline
