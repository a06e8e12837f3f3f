// Names and help, as docs/reference/metrics.md has them.
#include "report/store_metrics.h"

namespace etcdrill::report {
namespace {

std::optional<double> AsOf(const catalog::CatalogEntry& entry, WallTime now) {
  const auto as_of = entry.AsOf(now);
  return as_of.has_value() ? std::optional(UnixSeconds(*as_of)) : std::nullopt;
}

std::optional<bool> Diverged(const Manifest& manifest) {
  const std::optional<Continuity> lineage = LineageOf(manifest);
  if (!lineage.has_value() || *lineage == Continuity::kNotComparable) return std::nullopt;
  return *lineage == Continuity::kDiverged;
}

void AddNewest(const catalog::CatalogEntry* newest, WallTime now, Families& page) {
  const Manifest* m = newest != nullptr ? &newest->manifest : nullptr;
  NewestSnapshot shown;
  if (m != nullptr) {
    shown = {AsOf(*newest, now), static_cast<double>(m->size_bytes),
             static_cast<double>(m->revision), static_cast<double>(m->live_keys)};
  }
  AddNewestSnapshot(shown, page);
  page.Gauge("etcdrill_snapshot_last_duration_seconds",
             "Wall time of the newest successful snapshot.")
      .Sample(m != nullptr ? std::optional(m->duration_seconds) : std::nullopt);
  page.Gauge("etcdrill_snapshot_lineage_diverged",
             "Whether the newest usable snapshot does not continue the one before it: 1 it does "
             "not, 0 it does; absent where the two could not be compared.")
      .Sample(m != nullptr ? Diverged(*m) : std::nullopt);
}

void AddTally(const SnapshotTally& tally, Families& page) {
  const auto unix_seconds = [](std::optional<WallTime> time) {
    return time.has_value() ? std::optional(UnixSeconds(*time)) : std::nullopt;
  };
  page.Gauge("etcdrill_snapshots", "Snapshots in the store, by state.");
  for (const SnapshotState state : ValuesOf<SnapshotState>())
    page.Sample(tally[state], {{"state", NameOf(state)}});
  page.Gauge("etcdrill_store_future_snapshots",
             "Stored snapshots whose time lies more than five minutes in the future: a clock was "
             "wrong, then or now.")
      .Sample(tally.from_future);
  page.Gauge(
          "etcdrill_store_other_history_snapshots",
          "Adopted snapshots that are of another history than the source: they count for nothing.")
      .Sample(tally.other_history);
  page.Gauge("etcdrill_store_bytes", "Bytes used by stored snapshots.").Sample(tally.bytes);
  page.Gauge("etcdrill_store_oldest_snapshot_timestamp_seconds",
             "Unix time at which the oldest stored snapshot was taken.")
      .Sample(unix_seconds(tally.oldest_taken));
  page.Gauge("etcdrill_scrub_oldest_timestamp_seconds",
             "Unix time at which the stored snapshot that waits longest was last hashed; damaged "
             "ones do not count.")
      .Sample(unix_seconds(tally.oldest_hashed));
}

}  // namespace

void AddNewestSnapshot(const NewestSnapshot& newest, Families& page) {
  page.Gauge("etcdrill_snapshot_last_success_timestamp_seconds",
             "Unix time at which the newest usable snapshot was taken, or last found to be all "
             "that the source held.")
      .Sample(newest.taken);
  page.Gauge("etcdrill_snapshot_last_size_bytes", "Size of the newest usable snapshot.")
      .Sample(newest.size_bytes);
  page.Gauge("etcdrill_snapshot_last_revision", "Revision of the newest usable snapshot.")
      .Sample(newest.revision);
  page.Gauge("etcdrill_snapshot_last_keys", "Live keys in the newest usable snapshot.")
      .Sample(newest.keys);
}

void AddProof(const NewestProof& proof, Families& page) {
  page.Gauge("etcdrill_restorable_snapshot_taken_timestamp_seconds",
             "Unix time at which the newest snapshot that passed a drill was taken, or last found "
             "to be all that the source held.")
      .Sample(proof.taken);
  page.Gauge("etcdrill_restorable_snapshot_revision",
             "Revision of the newest snapshot that passed a drill.")
      .Sample(proof.revision);
}

void AddDrillStart(std::optional<double> started, Families& page) {
  page.Gauge("etcdrill_drill_started_timestamp_seconds",
             "Unix time at which the current or newest drill started.")
      .Sample(started);
}

void AddDrillHistory(const DrillTally& drills, Families& page) {
  page.Gauge("etcdrill_drill_consecutive_failures",
             "Failed drills since the last passed one; survives restarts.")
      .Sample(drills.consecutive_failures);
  page.Gauge("etcdrill_drill_last_success_timestamp_seconds",
             "Unix time at which the newest passed drill ended.")
      .Sample(drills.last_success);
  page.Gauge("etcdrill_drill_last_failure_timestamp_seconds",
             "Unix time at which the newest failed drill ended.")
      .Sample(drills.last_failure);
  page.Gauge("etcdrill_drill_last_duration_seconds",
             "Measured restore time: newest passed drill, from opening the snapshot to a healthy, "
             "verified etcd.")
      .Sample(drills.last_duration_seconds);
  page.Gauge("etcdrill_drill_forecast_duration_seconds",
             "Forecast of the restore time for the size that the source had after the newest "
             "passed drill.")
      .Sample(drills.forecast_seconds);
  page.Gauge("etcdrill_drill_last_level",
             "Level of proof that the newest drill reached: 5 if it passed, 4 without etcd.")
      .Sample(drills.level);
  page.Gauge("etcdrill_drill_last_stage_duration_seconds",
             "Wall time of each stage of the newest drill; absent for a stage that did not run.");
  for (const auto& [stage, seconds] : drills.stage_seconds)
    page.Sample(seconds, {{"stage", NameOf(stage)}});
  page.Gauge("etcdrill_drill_last_check_success",
             "Result of each check in the newest drill that ran it: 1 passed, 0 failed; absent for "
             "a check that never ran, or that the last drill that passed did not ask for.");
  for (const auto& [check, passed] : drills.checks) page.Sample(passed, {{"check", NameOf(check)}});
  page.Gauge("etcdrill_drill_etcd_info", "Version of the etcd binary used for drills, always 1.");
  if (!drills.etcd_version.empty()) page.Sample(1, {{"version", drills.etcd_version}});
}

void AddSnapshots(const catalog::Catalog& catalog, WallTime now, Families& page) {
  AddNewest(catalog.Newest(now), now, page);
  AddTally(TallySnapshots(catalog, now), page);
  NewestProof proof;
  if (const catalog::CatalogEntry* restorable = catalog.NewestRestorable(now)) {
    proof = {AsOf(*restorable, now), static_cast<double>(restorable->manifest.revision)};
  }
  AddProof(proof, page);
}

}  // namespace etcdrill::report
