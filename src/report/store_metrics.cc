// Names and help, as docs/metrics.md has them.
#include "report/store_metrics.h"

namespace etcdrill::report {

void AddNewestSnapshot(const std::optional<StoreFacts::Newest>& newest, MetricsPage& page) {
  const auto sample = [&](double StoreFacts::Newest::*field) {
    return newest.has_value() ? std::optional((*newest).*field) : std::nullopt;
  };
  page.Gauge("etcdrill_snapshot_last_success_timestamp_seconds",
             "Unix time at which the newest usable snapshot was taken, or last found to be all "
             "that the source held.")
      .Sample(newest.has_value() ? newest->taken : std::nullopt);
  page.Gauge("etcdrill_snapshot_last_size_bytes", "Size of the newest usable snapshot.")
      .Sample(sample(&StoreFacts::Newest::size_bytes));
  page.Gauge("etcdrill_snapshot_last_revision", "Revision of the newest usable snapshot.")
      .Sample(sample(&StoreFacts::Newest::revision));
  page.Gauge("etcdrill_snapshot_last_keys", "Live keys in the newest usable snapshot.")
      .Sample(sample(&StoreFacts::Newest::keys));
}

void AddStore(const StoreFacts& s, MetricsPage& page) {
  page.Gauge("etcdrill_snapshot_last_duration_seconds",
             "Wall time of the newest successful snapshot.")
      .Sample(s.newest.has_value() ? std::optional(s.newest->duration_seconds) : std::nullopt);
  page.Gauge("etcdrill_snapshot_lineage_diverged",
             "Whether the newest usable snapshot does not continue the one before it: 1 it does "
             "not, 0 it does; absent where the two could not be compared.")
      .Sample(s.lineage_diverged.has_value() ? std::optional(*s.lineage_diverged ? 1.0 : 0.0)
                                             : std::nullopt);
  page.Gauge("etcdrill_snapshots", "Snapshots in the store, by state.")
      .Samples("state", {{"untested", s.untested},
                         {"restorable", s.restorable},
                         {"damaged", s.damaged},
                         {"unreadable", s.unreadable}});
  page.Gauge("etcdrill_store_future_snapshots",
             "Stored snapshots whose time lies more than five minutes in the future: a clock was "
             "wrong, then or now.")
      .Sample(s.from_future);
  page.Gauge(
          "etcdrill_store_other_history_snapshots",
          "Adopted snapshots that are of another history than the source: they count for nothing.")
      .Sample(s.other_history);
  page.Gauge("etcdrill_store_bytes", "Bytes used by stored snapshots.").Sample(s.bytes);
  page.Gauge("etcdrill_store_oldest_snapshot_timestamp_seconds",
             "Unix time at which the oldest stored snapshot was taken.")
      .Sample(s.oldest_taken);
  page.Gauge("etcdrill_scrub_oldest_timestamp_seconds",
             "Unix time at which the stored snapshot that waits longest was last hashed; damaged "
             "ones do not count.")
      .Sample(s.oldest_hashed);
}

void AddProof(const StoreFacts& s, MetricsPage& page) {
  page.Gauge("etcdrill_restorable_snapshot_taken_timestamp_seconds",
             "Unix time at which the newest snapshot that passed a drill was taken, or last found "
             "to be all that the source held.")
      .Sample(s.restorable_taken);
  page.Gauge("etcdrill_restorable_snapshot_revision",
             "Revision of the newest snapshot that passed a drill.")
      .Sample(s.restorable_revision);
}

void AddDrillStart(std::optional<double> started, MetricsPage& page) {
  page.Gauge("etcdrill_drill_started_timestamp_seconds",
             "Unix time at which the current or newest drill started.")
      .Sample(started);
}

void AddDrillHistory(const StoreFacts& s, MetricsPage& page) {
  page.Gauge("etcdrill_drill_consecutive_failures",
             "Failed drills since the last passed one; survives restarts.")
      .Sample(s.drill_consecutive_failures);
  page.Gauge("etcdrill_drill_last_success_timestamp_seconds",
             "Unix time at which the newest passed drill ended.")
      .Sample(s.drill_last_success);
  page.Gauge("etcdrill_drill_last_failure_timestamp_seconds",
             "Unix time at which the newest failed drill ended.")
      .Sample(s.drill_last_failure);
  page.Gauge("etcdrill_drill_last_duration_seconds",
             "Measured restore time: newest passed drill, from opening the snapshot to a healthy, "
             "verified etcd.")
      .Sample(s.drill_last_duration_seconds);
  page.Gauge("etcdrill_drill_forecast_duration_seconds",
             "Forecast of the restore time for the size that the source had after the newest "
             "passed drill.")
      .Sample(s.drill_forecast_seconds);
  page.Gauge("etcdrill_drill_last_level",
             "Level of proof that the newest drill reached: 5 if it passed, 4 without etcd.")
      .Sample(s.drill_level);
  page.Gauge("etcdrill_drill_last_stage_duration_seconds",
             "Wall time of each stage of the newest drill; absent for a stage that did not run.")
      .Samples("stage", ByName(s.drill_stage_seconds));
  page.Gauge("etcdrill_drill_last_check_success",
             "Result of each check in the newest drill that ran it: 1 passed, 0 failed; absent for "
             "a check that never ran, or that the last drill that passed did not ask for.")
      .Samples("check", AsNumbers(ByName(s.drill_checks)));
  page.Gauge("etcdrill_drill_etcd_info", "Version of the etcd binary used for drills, always 1.");
  if (!s.drill_etcd_version.empty()) page.Sample(1, {{"version", s.drill_etcd_version}});
}

}  // namespace etcdrill::report
