// What the store knows, boiled down: the state of each snapshot and the history of drills.
// Everything that must survive a restart is derived here from files, so that no metric and no
// listing depends on how long the process has run.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proof/drill_summary.h"
#include "store/local_store.h"

namespace etcdrill::catalog {

struct CatalogEntry {
  Manifest manifest;
  SnapshotState state = SnapshotState::kUntested;
  Checks checks;
  // Why its file can't be what was stored, or can't be looked at, if that shows at first sight; or
  // why nobody knows what the scrub found.
  std::string problem;
  std::optional<DrillSummary> last_drill;
  std::optional<WallTime> damaged_since;       // found damaged then; none: nobody recorded it yet
  std::optional<DrillSummary> damaging_drill;  // the last that found it so; none since one passed

  // Neither found wrong nor out of reach.
  bool IsUsable() const {
    return state == SnapshotState::kUntested || state == SnapshotState::kRestorable;
  }
  // For the cluster that is backed up. One of another history is kept, and that is all.
  bool Counts() const { return !manifest.other_history; }
  // To level 3 when it was taken, and nothing was found since.
  bool IsProven() const;
  // The moment whose data it holds: when it was taken, or last found to be all that the source
  // held. None if that lies in the future (base/clock.h): then nobody knows how old it is.
  std::optional<WallTime> AsOf(WallTime now) const;
  // The drill report that is answered (store/checks.h) if all its bytes are those that were stored:
  // empty if none is, as what a drill found in the right bytes is still in them.
  std::string AnsweredByItsBytes() const;
  // The same if it is proven to level 3.
  std::string AnsweredByProof() const {
    return damaging_drill.has_value() ? damaging_drill->name : "";
  }
  // Notes in its record, as it is now, that all its bytes were read and are right, and which drill
  // that answers. Damage that somebody found since this entry was read stands.
  void RecordRight(Checks& now_kept, WallTime now, std::string_view answers) const;
  // When its bytes were last known to be right: at the last scrub, else when it was taken.
  WallTime LastHashed() const { return checks.hashed.value_or(manifest.taken); }

  bool operator==(const CatalogEntry&) const = default;
};

// Follows from the store alone; what depends on the time, too, is asked with it.
struct Catalog {
  std::vector<CatalogEntry> snapshots;  // oldest first (store/manifest_file.h)
  std::vector<DrillSummary> drills;     // in the order in which they were written
  size_t of_others = 0;                 // snapshots of the store that are not among them
  uint64_t last_place = 0;              // of all snapshots of the store, whoever they are of
  std::vector<store::LostManifest> lost;
  // Members that are suspected of other data. None: nothing of that was ever kept.
  std::optional<std::vector<store::Suspect>> suspects;
  std::string suspects_problem;  // why that can't be read, where it can't
  std::string unkept;            // why some of it is not on the disk, where it is not

  // The newest snapshot that is usable and counts; null if there is none. One from the future is it
  // only where all are.
  const CatalogEntry* Newest(WallTime now) const [[clang::lifetimebound]] {
    return NewestOf({SnapshotState::kUntested, SnapshotState::kRestorable}, now);
  }
  const CatalogEntry* NewestRestorable(WallTime now) const [[clang::lifetimebound]] {
    return NewestOf({SnapshotState::kRestorable}, now);
  }
  // The newest that counts, usable or not; else as Newest().
  const CatalogEntry* Latest(WallTime now) const [[clang::lifetimebound]] {
    return NewestOf({SnapshotState::kUntested, SnapshotState::kRestorable, SnapshotState::kDamaged,
                     SnapshotState::kUnreadable},
                    now);
  }
  // No snapshot, and none whose manifest is away.
  bool HoldsNone() const { return snapshots.empty() && lost.empty(); }
  // When the last drill ended; those from the future don't count.
  std::optional<WallTime> LastDrill(WallTime now) const;

  bool operator==(const Catalog&) const = default;

 private:
  const CatalogEntry* NewestOf(std::initializer_list<SnapshotState> states, WallTime now) const
      [[clang::lifetimebound]];
};

// By its own files. `problem` is why its file can't be what was stored (kDamaged), or can't be
// looked at.
CatalogEntry EntryOf(const Manifest& manifest, const Result<Checks>& checks, const Status& problem);
// A report that can't be read hides no failure: it counts as one, of the newest unless that is
// known to be another. None: it is somebody's notes.
std::optional<DrillSummary> LostDrill(const std::string& name, const Status& why);
// Takes away what is of other clusters than this one (of none if the name is empty), and judges the
// rest by the drills.
void JudgeAll(Catalog& catalog, std::string_view cluster);

// Which cluster do the snapshots of a store say is theirs? What has been backed up under a name
// goes on being backed up under it for as long as somebody answers for it
// (docs/dev/adr/0021-whose-cluster.md): the cluster id of the newest one that was taken of a
// cluster with this name and is not damaged; none if none tells. Oldest first.
std::optional<uint64_t> KnownCluster(const std::vector<CatalogEntry>& snapshots,
                                     std::string_view cluster);

// "latest", "latest-restorable" (which was "latest-verified" in 0.1.0) or "random".
bool IsChoice(std::string_view word);

// The snapshot that a word of the command line names: a choice, or a name. The latest is the newest
// that counts, in whatever state: whoever asks about it each day by cron has to hear of its damage
// each day. kNotFound, with what there is, if none fits.
Result<Manifest> SelectSnapshot(const Context& context, const Catalog& catalog,
                                std::string_view word);

}  // namespace etcdrill::catalog
