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
             "Duration of the newest successful snapshot.")
      .Sample(m != nullptr ? std::optional(m->duration_seconds) : std::nullopt);
  page.Gauge("etcdrill_snapshot_lineage_diverged",
             "Lineage of the newest usable snapshot: 1 it does not continue the one before it, 0 "
             "it does; absent if not comparable.")
      .Sample(m != nullptr ? Diverged(*m) : std::nullopt);
}

void AddTally(const SnapshotTally& tally, Families& page) {
  const auto unix_seconds = [](std::optional<WallTime> time) {
    return time.has_value() ? std::optional(UnixSeconds(*time)) : std::nullopt;
  };
  page.Gauge("etcdrill_snapshots", "Number of snapshots in the store, by state.");
  for (const SnapshotState state : ValuesOf<SnapshotState>())
    page.Sample(tally[state], {{"state", NameOf(state)}});
  page.Gauge("etcdrill_store_future_snapshots",
             "Number of stored snapshots whose time is more than five minutes in the future.")
      .Sample(tally.from_future);
  page.Gauge("etcdrill_store_other_history_snapshots",
             "Number of imported snapshots of another history than the cluster's; no other metric "
             "counts them as usable.")
      .Sample(tally.other_history);
  page.Gauge("etcdrill_store_bytes", "Total size of the stored snapshots.").Sample(tally.bytes);
  page.Gauge("etcdrill_store_oldest_snapshot_timestamp_seconds",
             "Time of the oldest stored snapshot, as a Unix timestamp.")
      .Sample(unix_seconds(tally.oldest_taken));
  page.Gauge("etcdrill_scrub_oldest_timestamp_seconds",
             "Time of the oldest last hash among undamaged stored snapshots, as a Unix timestamp.")
      .Sample(unix_seconds(tally.oldest_hashed));
}

}  // namespace

void AddNewestSnapshot(const NewestSnapshot& newest, Families& page) {
  page.Gauge("etcdrill_snapshot_last_success_timestamp_seconds",
             "Time of the newest usable snapshot, as a Unix timestamp: when it was taken, or last "
             "confirmed to match the cluster.")
      .Sample(newest.taken);
  page.Gauge("etcdrill_snapshot_last_size_bytes", "Size of the newest usable snapshot.")
      .Sample(newest.size_bytes);
  page.Gauge("etcdrill_snapshot_last_revision", "Revision of the newest usable snapshot.")
      .Sample(newest.revision);
  page.Gauge("etcdrill_snapshot_last_keys", "Number of live keys in the newest usable snapshot.")
      .Sample(newest.keys);
}

void AddProof(const NewestProof& proof, Families& page) {
  page.Gauge("etcdrill_restorable_snapshot_taken_timestamp_seconds",
             "Time of the newest restorable snapshot, as a Unix timestamp: when it was taken, or "
             "last confirmed to match the cluster.")
      .Sample(proof.taken);
  page.Gauge("etcdrill_restorable_snapshot_revision", "Revision of the newest restorable snapshot.")
      .Sample(proof.revision);
}

void AddDrillStart(std::optional<double> started, Families& page) {
  page.Gauge("etcdrill_drill_started_timestamp_seconds",
             "Start time of the running or newest drill, as a Unix timestamp.")
      .Sample(started);
}

void AddDrillHistory(const DrillTally& drills, Families& page) {
  page.Gauge("etcdrill_drill_consecutive_failures",
             "Number of failed drills of the newest snapshot since the last passed one; survives "
             "restarts.")
      .Sample(drills.consecutive_failures);
  page.Gauge("etcdrill_drill_last_success_timestamp_seconds",
             "End time of the newest passed drill, as a Unix timestamp.")
      .Sample(drills.last_success);
  page.Gauge("etcdrill_drill_last_failure_timestamp_seconds",
             "End time of the newest failed drill, as a Unix timestamp.")
      .Sample(drills.last_failure);
  page.Gauge("etcdrill_drill_last_duration_seconds",
             "Measured restore time of the newest passed drill, from opening the snapshot to a "
             "healthy, verified etcd.")
      .Sample(drills.last_duration_seconds);
  page.Gauge("etcdrill_drill_forecast_duration_seconds",
             "Estimated restore time at the size the cluster had after the newest passed drill.")
      .Sample(drills.forecast_seconds);
  page.Gauge("etcdrill_drill_last_level", "Level that the newest drill reached, 0 to 5.")
      .Sample(drills.level);
  page.Gauge("etcdrill_drill_last_stage_duration_seconds",
             "Duration of each stage of the newest drill, absent for a stage that did not run.");
  for (const auto& [stage, seconds] : drills.stage_seconds)
    page.Sample(seconds, {{"stage", NameOf(stage)}});
  page.Gauge("etcdrill_drill_last_check_success",
             "Result of each check in the newest drill that ran it: 1 passed, 0 failed; absent if "
             "it never ran, or if the last passed drill left it out.");
  for (const auto& [check, passed] : drills.checks) page.Sample(passed, {{"check", NameOf(check)}});
  page.Gauge("etcdrill_drill_etcd_info",
             "Version of the etcd binary of the newest drill, always 1.");
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
