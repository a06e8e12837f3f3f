// The metrics page in its states.
#include "report/metrics.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/textfile.h"
#include "support/catch.h"

namespace etcdrill::report {
namespace {

using Catch::Matchers::ContainsSubstring;

WallTime Second(int64_t unix_seconds) { return WallTime(std::chrono::seconds(unix_seconds)); }

struct Scraped {
  std::string Page() const {
    const ClusterScrape cluster{metrics, view, surroundings};
    return RenderMetrics({}, {&cluster, 1});
  }
  catalog::CatalogEntry& Stored(SnapshotState state, WallTime taken) {
    catalog::CatalogEntry& entry = catalog->snapshots.emplace_back();
    entry.state = state;
    entry.manifest.taken = taken;
    return entry;
  }

  ClusterMetrics metrics{"", {"a"}};  // without a name there is no label
  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  std::shared_ptr<catalog::Catalog> catalog = std::make_shared<catalog::Catalog>();
  View view{.now = Second(1000), .config = config, .catalog = catalog};
  Surroundings surroundings;
};

TEST_CASE("a fresh page has all counters at 0 and nothing that is not known") {
  const std::string page = Scraped().Page();
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshot_failures_total{reason=\"connect\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_failures_total{stage=\"boot\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_retention_deleted_total{reason=\"size\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshots{state=\"restorable\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_endpoint_probe_duration_seconds_count{"
                                     "etcd_endpoint=\"a\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshot_interval_seconds 3600\n"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_snapshot_last_success_timestamp_seconds"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_source_up"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_drill_last_check_success"));
}

TEST_CASE("every series of a cluster has its name, and none of the process") {
  Scraped scraped;
  scraped.surroundings.certificates["etcd_ca"] = {};
  const ClusterMetrics metrics("c", {"a"});
  const ClusterScrape cluster{metrics, scraped.view, scraped.surroundings};
  const std::string page = RenderMetrics({.web_certificate = Validity{}}, {&cluster, 1});
  for (const std::string_view line : Split(page, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    INFO(line);
    const bool of_process = line.starts_with("process_") || line.starts_with("etcdrill_build_") ||
                            line.starts_with("etcdrill_log_") ||
                            line.starts_with("etcdrill_config_") ||
                            line.find("certificate=\"web_server\"") != std::string_view::npos;
    CHECK((line.find("{etcd_cluster=\"c\"") == std::string_view::npos) == of_process);
  }
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{"
                                     "etcd_cluster=\"c\",le=\"0.5\"} 0\n"));
}

TEST_CASE("a textfile forgets nothing when its cluster or a metric gets another name") {
  DrillRun failed{.cluster = "prod", .ended = 200};
  failed.drill.last_failure = 200;
  failed.drill.consecutive_failures = 1;
  for (const std::string& label :
       std::vector<std::string>{"", "etcd_cluster=\"prod\"", "etcd_cluster=\"etcd\""}) {
    const std::string alone = label.empty() ? "" : "{" + label + "}";
    const std::string first = label.empty() ? "" : label + ",";
    const std::string text = DrillTextfile(
        failed, fmt::format("etcdrill_drill_last_success_timestamp_seconds{0} 100\n"
                            "etcdrill_drill_consecutive_failures{0} 3\n"
                            "etcdrill_drill_last_check_success{{{1}check=\"hashkv\"}} 1\n"
                            "etcdrill_restorable_snapshot_revision{0} 7\n",
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
  Scraped s;
  s.Stored(SnapshotState::kRestorable, Second(100)).manifest.receipt = {
      {.member_id = "a", .result = Comparison::kEqual},
      {.member_id = "b", .result = Comparison::kEqual}};
  s.catalog->drills = {{.finished = Second(200), .passed = true}};
  const auto of_the_store = {"etcdrill_snapshot_last_success_timestamp_seconds 100\n",
                             "etcdrill_snapshots{state=\"restorable\"} 1\n",
                             "etcdrill_restorable_snapshot_taken_timestamp_seconds 100\n",
                             "etcdrill_drill_last_success_timestamp_seconds 200\n",
                             "etcdrill_drill_consecutive_failures",
                             "etcdrill_drill_started_timestamp_seconds",
                             "etcdrill_store_bytes",
                             "etcdrill_store_future_snapshots",
                             "etcdrill_source_hashkv_consistent 1\n"};
  for (const char* line : of_the_store) CHECK_THAT(s.Page(), ContainsSubstring(line));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_store_readable 1\n"));
  s.view.store_problem = "no such directory";
  for (const char* line : of_the_store) CHECK_THAT(s.Page(), !ContainsSubstring(line));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_store_readable 0\n"));
  s.metrics.DrillStarted(300);  // that is known without the store
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_drill_started_timestamp_seconds 300\n"));
}

TEST_CASE("what a reload switched off is not due, and its failures are over") {
  config::Config on;
  on.adopt.files = {"/backups/*.db"};
  config::Config off;
  off.snapshot.schedule.reset();
  Scraped s;
  const auto fail = [&] {
    s.metrics.SetNextRun(Task::kSnapshot, 100);
    s.metrics.SetNextRun(Task::kDrill, 200);
    s.metrics.SnapshotFailed(Reason::kConnect, 50);
  };
  fail();
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_task_next_run_timestamp_seconds{task=\"drill\"} 200\n"));
  s.metrics.Reloaded(on, on, {"a"});
  CHECK(s.metrics.activity().snapshot_consecutive_failures == 1);  // they go on
  for (const bool adopts : {true, false}) {
    off.adopt.files = adopts ? on.adopt.files : std::vector<std::string>();
    fail();
    s.metrics.Reloaded(on, off, {"a"});
    CHECK(s.metrics.activity().snapshot_consecutive_failures == 0);
    CHECK_FALSE(s.metrics.activity()[Task::kDrill].next_run.has_value());
    CHECK_THAT(s.Page(), !ContainsSubstring("etcdrill_task_next_run_timestamp_seconds{"));
  }
}

TEST_CASE("a reload takes and gives endpoints, and what was counted of the others stays") {
  Scraped s;
  const auto count = [](const char* endpoint, int n) {
    return fmt::format(
        "etcdrill_endpoint_probe_duration_seconds_count{{etcd_endpoint=\"{}\"}} {}\n", endpoint, n);
  };
  s.metrics.ProbeTook("a", 0.1);
  s.metrics.Reloaded({}, {}, {"a", "b"});
  CHECK_THAT(s.Page(), ContainsSubstring(count("a", 1)) && ContainsSubstring(count("b", 0)));
  s.metrics.Reloaded({}, {}, {"b"});
  s.metrics.ProbeTook("a", 0.1);  // of a round that had begun before
  s.metrics.ProbeTook("b", 0.1);
  CHECK_THAT(s.Page(),
             ContainsSubstring(count("b", 1)) && !ContainsSubstring("etcd_endpoint=\"a\""));
}

TEST_CASE("a task that runs is not overdue") {
  Scraped s;
  s.metrics.SetNextRun(Task::kDrill, 900);
  const std::string overdue = "etcdrill_task_next_run_timestamp_seconds{task=\"drill\"} 900\n";
  CHECK_THAT(s.Page(), ContainsSubstring(overdue));
  s.metrics.RunBegan(Task::kDrill);
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_task_next_run_timestamp_seconds{task=\"drill\"} 1000\n"));
  s.metrics.RunEnded(Task::kDrill, 1000);
  CHECK_THAT(s.Page(), ContainsSubstring(overdue));
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_task_last_run_timestamp_seconds{task=\"drill\"} 1000\n"));
}

TEST_CASE("members agree where nothing tells otherwise") {
  Scraped s;
  auto& receipt = s.Stored(SnapshotState::kUntested, Second(100)).manifest.receipt;
  const auto agree = [&](std::optional<Comparison> by_store, std::optional<bool> found) {
    receipt.clear();
    if (by_store.has_value()) {
      receipt = {{.member_id = "a", .result = Comparison::kEqual},
                 {.member_id = "b", .result = *by_store}};
    }
    s.view.members_agree = found;
    return MembersAgree(s.view);
  };
  CHECK_FALSE(agree({}, {}).has_value());
  CHECK(agree({}, true) == true);
  CHECK(agree(Comparison::kEqual, {}) == true);
  CHECK(agree(Comparison::kDiffers, true) == false);
  s.catalog->suspects_problem = "it is torn";
  CHECK_FALSE(agree({}, true).has_value());  // those who answer are not all
  s.catalog->suspects_problem.clear();
  CHECK(agree(Comparison::kEqual, false) == false);
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_source_hashkv_consistent 0\n"));
  s.view.store_problem = "no such directory";
  CHECK(MembersAgree(s.view) == false);
  s.view.members_agree = true;
  CHECK_FALSE(MembersAgree(s.view).has_value());  // the store may tell otherwise
}

TEST_CASE("a snapshot from the future has no time, until the clock comes there") {
  Scraped s;
  s.Stored(SnapshotState::kUntested, Second(2000)).manifest.revision = 7;
  CHECK_THAT(s.Page(), !ContainsSubstring("etcdrill_snapshot_last_success_timestamp_seconds"));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_snapshot_last_revision 7\n"));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_store_future_snapshots 1\n"));
  s.view.now = Second(1700);
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_snapshot_last_success_timestamp_seconds 2000\n"));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_store_future_snapshots 0\n"));
}

TEST_CASE("whether the newest goes on where the one before it ends") {
  Scraped s;
  auto& lineage = s.Stored(SnapshotState::kRestorable, Second(100)).manifest.lineage;
  const std::string name = "etcdrill_snapshot_lineage_diverged";
  CHECK_THAT(s.Page(), !ContainsSubstring(name));
  lineage = {.result = Continuity::kNotComparable};
  CHECK_THAT(s.Page(), !ContainsSubstring(name));
  lineage = {.result = Continuity::kContinues};
  CHECK_THAT(s.Page(), ContainsSubstring(name + " 0\n"));
  lineage = {.result = Continuity::kDiverged};
  CHECK_THAT(s.Page(), ContainsSubstring(name + " 1\n"));
}

TEST_CASE("the round of probes, by endpoint and of the first member that is ours") {
  Scraped s;
  auto health = std::make_shared<etcd::HealthRound>();
  etcd::HealthRound& round = *health;
  const auto probe = [&](const char* address, etcd::Standing standing,
                         std::optional<etcd::MemberStatus> status) {
    round.roll.entries.push_back(
        {.endpoint = round.probes.size(), .address = address, .standing = standing});
    round.probes.push_back({.healthy = status.has_value(), .status = std::move(status)});
  };
  s.view.health = health;
  probe("down", etcd::Standing::kSilent, std::nullopt);
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_source_up 0\n") &&
                 ContainsSubstring("etcdrill_endpoint_healthy{etcd_endpoint=\"down\"} 0\n") &&
                 !ContainsSubstring("etcdrill_source_alarm_active") &&
                 !ContainsSubstring("etcdrill_source_info"));
  probe("a", etcd::Standing::kMember,
        etcd::MemberStatus{.cluster_id = 0xc,
                           .member_id = 0xa,
                           .version = "3.5.16",
                           .leader_id = 0xa,
                           .raft_index = 10,
                           .raft_applied_index = 9});
  probe("b", etcd::Standing::kMember,
        etcd::MemberStatus{.member_id = 0xb,
                           .db_quota_bytes = 8,
                           .leader_id = 0xa,
                           .raft_index = 12,
                           .raft_applied_index = 12});
  round.probes.back().alarms = {{.member_id = 0xb, .type = etcd::AlarmType::kCorrupt}};
  for (const char* line :
       {"etcdrill_source_up 1\n",
        "etcdrill_source_info{cluster_id=\"c\",member_id=\"a\",version=\"3.5.16\"} 1\n",
        "etcdrill_source_is_leader 1\n", "etcdrill_endpoint_is_leader{etcd_endpoint=\"b\"} 0\n",
        "etcdrill_endpoint_raft_lag_entries{etcd_endpoint=\"a\"} 3\n",
        "etcdrill_endpoint_raft_lag_entries{etcd_endpoint=\"b\"} 0\n",
        "etcdrill_endpoint_db_quota_bytes{etcd_endpoint=\"b\"} 8\n",
        "etcdrill_source_alarm_active{alarm=\"corrupt\"} 1\n",
        "etcdrill_source_alarm_active{alarm=\"nospace\"} 0\n"}) {
    CHECK_THAT(s.Page(), ContainsSubstring(line));
  }
  CHECK_THAT(s.Page(), !ContainsSubstring("etcdrill_endpoint_db_quota_bytes{etcd_endpoint=\"a\"}"));
}

TEST_CASE("what two clusters have by one name is one metric, and so is what the process has") {
  Scraped s;
  s.surroundings.certificates["etcd_ca"] = {.begin = Second(1), .end = Second(2)};
  const ClusterMetrics other("d", {"b"});
  const ClusterScrape clusters[] = {{s.metrics, s.view, s.surroundings}, {other, s.view, {}}};
  const std::string page =
      RenderMetrics({.web_certificate = Validity{.begin = Second(3), .end = Second(4)}}, clusters);
  for (const char* name : {"etcdrill_certificate_not_after_timestamp_seconds",
                           "etcdrill_drill_attempts_total", "etcdrill_store_readable"}) {
    const size_t type = page.find(fmt::format("# TYPE {} ", name));
    REQUIRE(type != std::string::npos);
    CHECK(page.find(fmt::format("# TYPE {} ", name), type + 1) == std::string::npos);
  }
  CHECK_THAT(page, ContainsSubstring("{certificate=\"etcd_ca\"} 2\n") &&
                       ContainsSubstring("{certificate=\"web_server\"} 4\n"));
}

TEST_CASE("events move what they should") {
  Scraped s;
  ClusterMetrics& metrics = s.metrics;
  metrics.SnapshotStarted();
  metrics.SnapshotFailed(Reason::kNoSpace, 100);
  metrics.SnapshotStarted();
  metrics.SnapshotFailed(Reason::kNoSpace, 200);
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_snapshot_attempts_total 2\n"));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_snapshot_failures_total{reason=\"space\"} 2\n"));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_snapshot_consecutive_failures 2\n"));
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_snapshot_last_failure_timestamp_seconds 200\n"));
  metrics.SnapshotStarted();
  metrics.SnapshotSucceeded(5, 1000);
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_snapshot_consecutive_failures 0\n"));
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{le=\"2.5\"} 0\n"));
  CHECK_THAT(s.Page(),
             ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{le=\"5\"} 1\n"));
  metrics.DrillStarted(300);
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_drill_in_progress 1\n"));
  s.catalog->drills = {{.etcd_version = "3.5.16"}};
  metrics.DrillEnded(StageName::kBoot, 5, false);
  const std::string page = s.Page();
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_in_progress 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_failures_total{stage=\"boot\"} 1\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_cleanup_failures_total 1\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_etcd_info{version=\"3.5.16\"} 1\n"));
}

}  // namespace
}  // namespace etcdrill::report
