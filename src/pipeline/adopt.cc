// How a file of others is taken in, from top to bottom.
#include "pipeline/adopt.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "crosscheck/live_head.h"
#include "crypto/hash.h"
#include "etcd/roll_call.h"
#include "io/expand.h"
#include "proof/receipt_view.h"
#include "store/names.h"

namespace etcdrill::pipeline {
namespace {

// Twice what etcd advises for a database.
constexpr uint64_t kExpandedBytesMax = uint64_t{16} << 30;
// Nobody knows how large a packed file will be: so often it is looked whether there is room for as
// much again.
constexpr uint64_t kExpandedStep = uint64_t{1} << 20;

AdoptedRecord RecordOf(const ForeignFile& file);
void BoundTime(const Context& context, const crosscheck::HeadHistory& heads,
               const catalog::Catalog& catalog, Manifest& m);
void GiveFreeName(const catalog::Catalog& catalog, Manifest& m);

}  // namespace

Result<SnapshotOutcome> AdoptSnapshot(const Context& context, const AdoptRequest& request,
                                      const ForeignFile& file, crosscheck::HeadHistory heads,
                                      store::LocalStore& store) {
  // Import: a copy of our own, because whoever wrote the file may take it away at any moment. From
  // here on only the copy is read.
  ASSIGN_OR_RETURN(capture::CaptureResult copy, ImportFile(context, file, store.StagingPath()));

  // The same bytes under a new name are no new snapshot: that is how a job shows that copies one
  // old file every day.
  ASSIGN_OR_RETURN(const auto catalog, ReadStore(context, request.catalog));
  for (const catalog::CatalogEntry& other : catalog->snapshots) {
    if (other.manifest.cluster != request.cluster || other.manifest.sha256 != copy.sha256) continue;
    return Error(Reason::kAlreadyExists, "adopt {}: the content equals that of {}", file.path,
                 other.manifest.name);
  }

  // Verify: up the ladder to L3. What is no snapshot is nobody's backup, and no evidence of damage
  // either. From here on every step reads the same open file.
  ASSIGN_OR_RETURN(Candidate candidate,
                   Candidate::Verify(context, request.cluster, std::move(copy), RecordOf(file)));
  if (candidate.outcome.verify.foreign.has_value()) {
    return Error(Reason::kNotProvable, "adopt {}: {}", file.path, candidate.outcome.verify.Cause());
  }

  // Receipt: the live members say what they hold at this revision, and whose history it is of.
  const Known known = KnownOf(request.client, request.cluster, *catalog, store);
  RETURN_IF_ERROR(candidate.CompareWithMembers(context, request.client, known));

  // Time: that of the file is a claim, as `touch` and `cp` change it, and its name may tell local
  // time or a number. But its data is no younger than the moment at which the source was beyond its
  // revision, and no older than that at which the source had not reached it. The source may have
  // been restored just now. From here on the snapshot has its name.
  const etcd::RollCall roll = etcd::CallRoll(request.client, known.cluster);
  heads.Saw(context.clock.Monotonic(), roll,
            [&] { return crosscheck::ReadHead(request.client, roll); });
  Manifest& m = candidate.outcome.manifest;
  if (candidate.HasSoundKeys()) {
    m.taken =
        std::chrono::floor<std::chrono::seconds>(TakenAt(file, context.clock.Now(), m.revision));
    BoundTime(context, heads, *catalog, m);
  }
  GiveFreeName(*catalog, m);

  // Lineage and suspects, as of one of ours; but it may come late, and is then held to the snapshot
  // after it, too.
  RETURN_IF_ERROR(
      candidate.CompareWithStore(context, request.catalog, *catalog, heads.Head(), store));
  candidate.KeepSuspects(context, store);

  // Store: from here on it survives a power loss. If somebody else took the name meanwhile, the
  // file's turn comes again.
  auto sealed = candidate.Seal(store);
  if (Is(sealed, Reason::kAlreadyExists)) return Error(Reason::kBusy, MessageOf(sealed.status()));
  return sealed;
}

Result<capture::CaptureResult> ImportFile(const Context& context, const ForeignFile& file,
                                          const std::string& temp_path) {
  const Stopwatch watch(context.clock);
  const auto check_space = [&](uint64_t needed) {
    return Annotate(capture::CheckSpace(context, temp_path, "the copy", needed),
                    "adopt " + file.path);
  };
  RETURN_IF_ERROR(check_space(file.info.size));
  uint64_t room = file.info.size;  // that is left of what was looked for
  ASSIGN_OR_RETURN(DurableFile copy, DurableFile::Create(context.fs, temp_path));
  Sha256 sum;
  uint64_t size = 0;
  RETURN_IF_ERROR(
      ReadExpanded(context.fs, file.path, kExpandedBytesMax, [&](std::string_view bytes) -> Status {
        if (context.stop.stop_requested()) return Error(Reason::kInterrupted, "stopped");
        if (bytes.size() > room) {
          room = std::max<uint64_t>(kExpandedStep, bytes.size());
          if (Status refused = check_space(room); !refused.ok()) return refused;
        }
        room -= bytes.size();
        sum.Update(bytes);
        size += bytes.size();
        return copy.Append(bytes);
      }));
  ASSIGN_OR_RETURN(const FileInfo after, context.fs.Stat(file.path));
  if (!after.IsSameFile(file.info)) {
    return Error(Reason::kBusy, "adopt {}: the file changes while etcdrill reads it", file.path);
  }
  const WallTime now = context.clock.Now();
  if (IsFuture(file.info.modified, now)) {
    context.log.Warn("adopted file dated in the future",
                     {{"file", file.path},
                      {"modified", FormatRfc3339(file.info.modified)},
                      {"hint", "counted from its arrival; check the clock of its writer"}});
  }
  return capture::CaptureResult{
      std::move(copy), size, Hex(sum.Finish()), TakenAt(file, now), "", "", {}, watch.Seconds()};
}

namespace {

AdoptedRecord RecordOf(const ForeignFile& file) {
  return {.path = file.path,
          .size_bytes = file.info.size,
          .modified = std::chrono::floor<std::chrono::seconds>(file.info.modified),
          .changed = std::chrono::floor<std::chrono::seconds>(file.info.changed)};
}

// When the source was beyond the revision of `m`, by the snapshots of it that are stored. Those of
// before it went back say nothing: that it did shows in the lineage of the first one after that, or
// in its head.
std::optional<WallTime> PassedByStored(const crosscheck::HeadHistory& heads,
                                       const catalog::Catalog& catalog, const Manifest& m) {
  std::optional<WallTime> passed;
  if (!heads.Head().has_value()) return passed;
  for (auto entry = catalog.snapshots.rbegin(); entry != catalog.snapshots.rend(); ++entry) {
    const Manifest& other = entry->manifest;
    const bool sound = other.verdict != Verdict::kDamaged;
    if (other.cluster != m.cluster || other.other_history || !sound) continue;
    const auto cluster_id = etcd::ParseId(other.cluster_id);
    const bool of_another = cluster_id.has_value() && cluster_id != heads.cluster_id();
    if (of_another || other.revision > *heads.Head()) break;
    if (other.revision > m.revision) passed = std::min(passed.value_or(other.taken), other.taken);
    if (LineageOf(other) == Continuity::kDiverged) break;
  }
  return passed;
}

void TellWrong(const Context& context, std::string_view hint, const Manifest& m,
               WallTime counts_from) {
  context.log.Warn("adopted file time corrected", {{"file", m.adopted->path},
                                                   {"revision", m.revision},
                                                   {"says", FormatRfc3339(m.taken)},
                                                   {"counts_from", FormatRfc3339(counts_from)},
                                                   {"hint", hint}});
}

// Moves `taken` of the adopted `m` in between; logged if it was off by more than clocks differ.
// That of another history has nothing to do with the source.
void BoundTime(const Context& context, const crosscheck::HeadHistory& heads,
               const catalog::Catalog& catalog, Manifest& m) {
  if (m.other_history) return;
  const auto wall = [now = context.clock.Now(),
                     monotonic = context.clock.Monotonic()](MonotonicTime t) {
    return std::chrono::floor<std::chrono::seconds>(now - (monotonic - t));
  };
  // Only a member that holds the same says that it was the source that reached it.
  const auto below = CountReceipt(m).equal > 0 ? heads.LastBelow(m.revision) : std::nullopt;
  if (below.has_value() && wall(*below) - m.taken > kClockSlack) {
    TellWrong(context,
              "the cluster reached this revision only at counts_from; check that the file's name "
              "has a UTC time",
              m, wall(*below));
    m.taken = wall(*below);
  }
  WallTime latest = PassedByStored(heads, catalog, m).value_or(m.taken);
  if (const auto passed = heads.PassedBy(m.revision))
    latest = std::min<WallTime>(latest, wall(*passed));
  if (m.taken - latest > kClockSlack) {  // else it may be the time that it took to write it
    TellWrong(context,
              "the cluster was beyond this revision at counts_from; check that the job does not "
              "copy old files",
              m, latest);
  }
  m.taken = std::min(m.taken, latest);
}

// One that is in the store is not given twice: it may as well have been taken a second earlier.
void GiveFreeName(const catalog::Catalog& catalog, Manifest& m) {
  const auto is_there = [&](const catalog::CatalogEntry& e) { return e.manifest.name == m.name; };
  for (;; m.taken -= std::chrono::seconds(1)) {
    m.name = store::SnapshotName(m.cluster, m.revision, m.taken);
    if (std::ranges::none_of(catalog.snapshots, is_there)) return;
  }
}

}  // namespace
}  // namespace etcdrill::pipeline
