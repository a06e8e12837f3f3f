// The metrics page in its states.
#include "report/metrics.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/textfile.h"
#include "support/catch.h"

namespace etcdrill::report {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a fresh page has all counters at 0 and nothing that is not known") {
  const Metrics metrics({.snapshot_interval_seconds = 3600, .endpoints = {"a"}},
                        [] { return LiveFacts{}; });
  const std::string page = metrics.Render();
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshot_failures_total{reason=\"connect\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_failures_total{stage=\"boot\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshots{state=\"restorable\"} 0\n"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_snapshot_last_success_timestamp_seconds"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_source_up"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_drill_last_check_success"));
}

TEST_CASE("every series of a cluster has its name, and none of the process") {
  const Metrics metrics({.cluster = "prod", .endpoints = {"a"}}, [] {
    LiveFacts live;
    live.certificates["etcd_ca"] = {};
    live.web_certificate = Validity{};
    return live;
  });
  const std::string page = metrics.Render();
  for (const std::string_view line : Split(page, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    INFO(line);
    const bool of_process = line.starts_with("process_") || line.starts_with("etcdrill_build_") ||
                            line.starts_with("etcdrill_log_") ||
                            line.starts_with("etcdrill_config_") ||
                            line.find("certificate=\"web_server\"") != std::string_view::npos;
    CHECK((line.find("{etcd_cluster=\"prod\"") == std::string_view::npos) == of_process);
  }
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{"
                                     "etcd_cluster=\"prod\",le=\"0.5\"} 0\n"));
}

TEST_CASE("a textfile forgets nothing when its cluster or a metric gets another name") {
  StoreFacts failed;
  failed.drill_last_failure = 200;
  failed.drill_consecutive_failures = 1;
  for (const std::string& label :
       std::vector<std::string>{"", "etcd_cluster=\"prod\"", "etcd_cluster=\"etcd\""}) {
    const std::string alone = label.empty() ? "" : "{" + label + "}";
    const std::string first = label.empty() ? "" : label + ",";
    const std::string text =
        DrillTextfile("prod", failed, 200,
                      fmt::format("etcdrill_drill_last_success_timestamp_seconds{0} 100\n"
                                  "etcdrill_drill_consecutive_failures{0} 3\n"
                                  "etcdrill_drill_last_check_success{{{1}check=\"hashkv\"}} 1\n"
                                  "etcdrill_verified_snapshot_revision{0} 7\n",
                                  alone, first));
    CHECK_THAT(text, ContainsSubstring("etcdrill_drill_last_success_timestamp_seconds{"
                                       "etcd_cluster=\"prod\"} 100\n"));
    CHECK_THAT(text,
               ContainsSubstring("etcdrill_drill_consecutive_failures{etcd_cluster=\"prod\"} 4\n"));
    CHECK_THAT(text, ContainsSubstring("etcdrill_drill_last_check_success{etcd_cluster=\"prod\","
                                       "check=\"hashkv\"} 1\n"));
    CHECK_THAT(text, ContainsSubstring(  // it had another name in 0.1.0
                         "etcdrill_restorable_snapshot_revision{etcd_cluster=\"prod\"} 7\n"));
  }
}

TEST_CASE("what a store holds is absent while the store can't be read") {
  Metrics metrics({.endpoints = {"a"}}, [] { return LiveFacts{}; });
  StoreFacts facts{
      .newest = StoreFacts::Newest{.taken = 100}, .restorable = 1, .restorable_taken = 100};
  facts.hashkv_consistent = true;
  facts.drill_last_success = 200;
  metrics.SetStore(facts);
  const auto of_the_store = {"etcdrill_snapshot_last_success_timestamp_seconds 100\n",
                             "etcdrill_snapshots{state=\"restorable\"} 1\n",
                             "etcdrill_restorable_snapshot_taken_timestamp_seconds 100\n",
                             "etcdrill_drill_last_success_timestamp_seconds 200\n",
                             "etcdrill_drill_consecutive_failures",
                             "etcdrill_store_bytes",
                             "etcdrill_store_future_snapshots",
                             "etcdrill_source_hashkv_consistent"};
  for (const char* line : of_the_store) CHECK_THAT(metrics.Render(), ContainsSubstring(line));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_store_readable 1\n"));
  metrics.StoreIsUnreadable();
  for (const char* line : of_the_store) CHECK_THAT(metrics.Render(), !ContainsSubstring(line));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_store_readable 0\n"));
  metrics.SetStore(facts);
  for (const char* line : of_the_store) CHECK_THAT(metrics.Render(), ContainsSubstring(line));
}

TEST_CASE("what a reload switched off is not due, and its failures are over") {
  const FixedFacts on = {.snapshot_interval_seconds = 60, .adopt_patterns = 1};
  FixedFacts off;
  Metrics metrics({}, [] { return LiveFacts{}; });
  metrics.Reloaded(on, 10);
  const auto fail = [&] {
    metrics.SetNextRun(Task::kSnapshot, 100);
    metrics.SetNextRun(Task::kDrill, 200);
    metrics.SnapshotFailed(Reason::kConnect, 50);
  };
  fail();
  CHECK_THAT(metrics.Render(),
             ContainsSubstring("etcdrill_task_next_run_timestamp_seconds{task=\"drill\"} 200\n"));
  metrics.Reloaded(on, 60);
  CHECK(metrics.activity().snapshot_consecutive_failures == 1);  // they go on
  for (const bool adopts : {true, false}) {
    off.adopt_patterns = adopts ? 1 : 0;
    fail();
    metrics.Reloaded(off, 60);
    CHECK(metrics.activity().snapshot_consecutive_failures == 0);
    CHECK_FALSE(metrics.activity().next_run[static_cast<size_t>(Task::kDrill)].has_value());
    CHECK_THAT(metrics.Render(), !ContainsSubstring("etcdrill_task_next_run_timestamp_seconds{"));
  }
}

TEST_CASE("members agree where nothing tells otherwise") {
  Metrics metrics({.endpoints = {"a"}}, [] { return LiveFacts{}; });
  const auto agree = [&](std::optional<bool> by_store, std::optional<bool> found) {
    StoreFacts facts;
    facts.hashkv_consistent = by_store;
    metrics.SetStore(facts);
    metrics.SetMembersAgree(found);
    return metrics.store().hashkv_consistent;
  };
  CHECK_FALSE(agree({}, {}).has_value());
  CHECK(agree({}, true) == true);
  CHECK(agree(true, {}) == true);
  CHECK(agree(false, true) == false);
  CHECK(agree(true, false) == false);
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_source_hashkv_consistent 0\n"));
  metrics.StoreIsUnreadable();
  CHECK(metrics.store().hashkv_consistent == false);
  metrics.SetMembersAgree(true);
  CHECK_FALSE(metrics.store().hashkv_consistent.has_value());  // the store may tell otherwise
}

TEST_CASE("a snapshot from the future has no time") {
  Metrics metrics({.endpoints = {"a"}}, [] { return LiveFacts{}; });
  metrics.SetStore({.newest = StoreFacts::Newest{.revision = 7}, .from_future = 1});
  CHECK_THAT(metrics.Render(),
             !ContainsSubstring("etcdrill_snapshot_last_success_timestamp_seconds"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_last_revision 7\n"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_store_future_snapshots 1\n"));
}

TEST_CASE("events move what they should") {
  Metrics metrics({.endpoints = {"a"}}, [] { return LiveFacts{}; });
  metrics.SnapshotStarted();
  metrics.SnapshotFailed(Reason::kNoSpace, 100);
  metrics.SnapshotStarted();
  metrics.SnapshotFailed(Reason::kNoSpace, 200);
  CHECK_THAT(metrics.Render(),
             ContainsSubstring("etcdrill_snapshot_failures_total{reason=\"space\"} 2\n"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_consecutive_failures 2\n"));
  CHECK_THAT(metrics.Render(),
             ContainsSubstring("etcdrill_snapshot_last_failure_timestamp_seconds 200\n"));
  metrics.SnapshotStarted();
  metrics.SnapshotSucceeded(3, 1000);
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_consecutive_failures 0\n"));
  CHECK_THAT(metrics.Render(),
             ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{le=\"2.5\"} 0\n"));
  CHECK_THAT(metrics.Render(),
             ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{le=\"5\"} 1\n"));
  metrics.DrillStarted(300);
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_drill_in_progress 1\n"));
  metrics.SetStore({.drill_etcd_version = "3.5.16"});
  metrics.DrillEnded(StageName::kBoot, 5, false);
  const std::string page = metrics.Render();
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_in_progress 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_failures_total{stage=\"boot\"} 1\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_cleanup_failures_total 1\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_etcd_info{version=\"3.5.16\"} 1\n"));
}

}  // namespace
}  // namespace etcdrill::report
