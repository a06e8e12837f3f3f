// The answers about the store, and that nothing from outside becomes markup.
#include "report/status/status.h"

#include <memory>

#include "report/status/html.h"
#include "report/status/judgement.h"
#include "support/catch.h"

namespace etcdrill::report {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

constexpr double kNow = 1'800'000'000;

WallTime At(double unix_seconds) {
  return WallTime(std::chrono::seconds(static_cast<int64_t>(unix_seconds)));
}

struct Shown {
  Shown() {
    catalog->snapshots = {Entry(SnapshotState::kRestorable, kNow - 7200),
                          Entry(SnapshotState::kUntested, kNow - 600)};
    catalog->drills = {{.snapshot = "s",
                        .level_reached = 5,
                        .finished = At(kNow - 3000),
                        .rto_seconds = 12,
                        .passed = true,
                        .etcd_version = "3.5.30"}};
    config->cluster.name = "prod";
  }

  static catalog::CatalogEntry Entry(SnapshotState state, double taken) {
    catalog::CatalogEntry entry;
    entry.state = state;
    entry.manifest.taken = At(taken);
    entry.manifest.live_keys = 7;
    return entry;
  }
  catalog::CatalogEntry& proven() { return catalog->snapshots.front(); }
  catalog::CatalogEntry& newest() { return catalog->snapshots.back(); }
  DrillSummary& drill() { return catalog->drills.front(); }
  void AddOlder(catalog::CatalogEntry entry) {
    catalog->snapshots.insert(catalog->snapshots.begin(), std::move(entry));
  }
  // As one endpoint answers.
  void Probed(const std::string& address, etcd::HealthProbe probe) {
    auto asked = std::make_shared<etcd::HealthRound>();
    asked->probes = {std::move(probe)};
    asked->roll.entries = {{.address = address, .standing = etcd::Standing::kMember}};
    view.health = asked;
  }

  Judgement judged() const { return Judge(view, activity); }
  std::string page() const { return StatusPage(view, activity); }

  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  std::shared_ptr<catalog::Catalog> catalog = std::make_shared<catalog::Catalog>();
  View view{.now = At(kNow), .config = config, .catalog = catalog, .state_created = At(kNow - 1e6)};
  Activity activity;
};

TEST_CASE("all is well") {
  const Shown s;
  const Judgement j = s.judged();
  CHECK(j.overall() == Answer::kYes);
  CHECK(j.fresh.fact == "10 min old");
  CHECK(j.fresh.more == "objective 2 h");
  CHECK(j.in_time.fact == "about 12 s");
  CHECK(j.troubles.empty());
  CHECK_THAT(s.page(), ContainsSubstring("The backup is fresh, drilled and restorable."));
}

TEST_CASE("each answer turns on its own, at its objective") {
  Shown s;
  SECTION("fresh") {
    s.newest().manifest.taken = At(kNow - 7200);
    CHECK(s.judged().fresh.answer == Answer::kYes);
    s.newest().manifest.taken = At(kNow - 7201);
    CHECK(s.judged().fresh.answer == Answer::kNo);
    CHECK(s.judged().drilled.answer == Answer::kYes);
    s.view.now = At(kNow - 1);  // what is old or new is so at the moment of the request
    CHECK(s.judged().fresh.answer == Answer::kYes);
  }
  SECTION("proven") {
    s.proven().manifest.taken = At(kNow - 93601);
    CHECK(s.judged().drilled.answer == Answer::kNo);
    CHECK(s.judged().overall() == Answer::kNo);
  }
  SECTION("in time") {
    s.drill().rto_seconds = 901;
    CHECK(s.judged().in_time.answer == Answer::kNo);
    s.drill().forecast_seconds = 100;  // for the source as it is now: it counts more
    CHECK(s.judged().in_time.answer == Answer::kYes);
  }
  SECTION("restorable") {
    s.drill().passed = false;
    s.drill().failed_stage = StageName::kBoot;
    CHECK(s.judged().restorable.answer == Answer::kNo);
    s.catalog->drills.push_back({.newest = false, .passed = true});
    // An older snapshot that passes hides nothing.
    CHECK(s.judged().restorable.answer == Answer::kNo);
    CHECK(s.judged().troubles.size() == 1);
  }
}

TEST_CASE("what never happened is unknown while the objective gives it time, then a no") {
  Shown s;
  *s.catalog = {};
  s.view.state_created = At(kNow - 60);
  const Judgement j = s.judged();
  for (const Question* q : {&j.fresh, &j.drilled, &j.restorable, &j.in_time})
    CHECK(q->answer == Answer::kUnknown);
  CHECK(j.overall() == Answer::kUnknown);
  s.view.state_created = At(kNow - 7201);
  CHECK(s.judged().fresh.answer == Answer::kNo);
  CHECK(s.judged().drilled.answer == Answer::kUnknown);
}

TEST_CASE("a drill that passed counts for as long as what it passed on is there") {
  Shown s;
  s.catalog->snapshots.erase(s.catalog->snapshots.begin());
  CHECK(s.judged().restorable.answer == Answer::kNo);
  CHECK_THAT(s.judged().restorable.more, ContainsSubstring("damaged or gone"));
  s.catalog->snapshots.clear();  // nothing is left but the reports
  CHECK(s.judged().restorable.answer == Answer::kNo);
}

TEST_CASE("troubles that leave the answers alone are told") {
  Shown s;
  s.catalog->unkept = "no space";
  s.catalog->lost = {{.name = "c-1", .why = Error(Reason::kDamaged, "one")}};
  s.catalog->drills.push_back({.readable = false, .newest = false, .error = "two"});
  for (int times = 0; times < 2; ++times)
    s.AddOlder(Shown::Entry(SnapshotState::kDamaged, kNow - 9000));
  s.view.members_agree = false;
  s.activity.snapshot_consecutive_failures = 3;
  s.Probed("http://a", {.problem = "gone",
                        .status = etcd::MemberStatus{},
                        .alarms = {{.type = etcd::AlarmType::kNoSpace}}});
  CHECK(s.judged().troubles.size() == 9);
  CHECK(s.judged().overall() == Answer::kYes);
  CHECK_THAT(s.page(), ContainsSubstring("The last 3 snapshots failed.") &&
                           ContainsSubstring("2 stored snapshots are damaged.") &&
                           ContainsSubstring("Unreadable: two") &&
                           ContainsSubstring("etcd has raised the alarm nospace."));
  s.activity.snapshot_consecutive_failures = 1;
  CHECK(s.judged().troubles.size() == 9);
}

TEST_CASE("every message is on the page once") {
  Shown s;
  s.drill().passed = false;
  s.drill().failed_stage = StageName::kBoot;
  s.drill().error = "no such etcd";
  s.catalog->drills.push_back(s.drill());
  s.Probed("http://a", {.problem = "no such host"});
  const std::string page = s.page();
  for (const std::string_view text : {"no such etcd", "no such host"}) {
    const size_t at = page.find(text);
    CHECK(at != std::string::npos);
    CHECK(page.find(text, at + 1) == std::string::npos);
  }
}

TEST_CASE("a time in the future makes nothing young") {
  Shown s;
  s.newest().manifest.taken = At(kNow + 299);  // clocks differ by a little
  CHECK(s.judged().fresh.answer == Answer::kYes);
  const double later = GENERATE(301, 400 * 86400);
  s.newest().manifest.taken = s.proven().manifest.taken = At(kNow + later);
  s.drill().finished = At(kNow + 400 * 86400);
  const Judgement j = s.judged();
  CHECK(j.fresh.answer == Answer::kNo);
  CHECK(j.drilled.answer == Answer::kNo);
  CHECK(j.restorable.answer == Answer::kUnknown);
  CHECK(j.troubles.size() == 1);
  for (const Question* q : {&j.fresh, &j.drilled, &j.restorable}) {
    CHECK_THAT(q->fact, ContainsSubstring("the future") && !ContainsSubstring("a moment"));
  }
  CHECK_THAT(s.page(),
             ContainsSubstring(">in the future</time>") && !ContainsSubstring("a moment"));
  CHECK_THAT(SnapshotsJson(s.view), ContainsSubstring("\"from_future\": true"));
}

TEST_CASE("a newest snapshot without a key is a trouble, and restores all the same") {
  Shown s;
  s.newest().manifest.live_keys = 0;
  const Judgement j = s.judged();
  REQUIRE(j.troubles.size() == 1);
  CHECK(j.troubles[0].what == "The newest snapshot holds no key.");
  CHECK(j.overall() == Answer::kYes);
}

TEST_CASE("what is of another history, of another cluster, or does not continue is told once") {
  Shown s;
  catalog::CatalogEntry other = Shown::Entry(SnapshotState::kRestorable, kNow - 60);
  other.manifest.other_history = true;
  s.AddOlder(other);
  s.AddOlder(other);
  s.catalog->of_others = 1;
  s.newest().manifest.lineage = {.result = Continuity::kDiverged};
  const Judgement j = s.judged();
  REQUIRE(j.troubles.size() == 3);
  CHECK(j.troubles[0].what == "The newest snapshot does not continue the one before it.");
  CHECK(j.troubles[1].what == "The store holds 1 snapshot of other clusters.");
  CHECK(j.troubles[2].what == "2 imported snapshots are of another history than the cluster.");
  CHECK_THAT(SnapshotsJson(s.view), ContainsSubstring("\"other_history\": true"));
  CHECK_THAT(s.page(), ContainsSubstring("of another history"));
}

TEST_CASE("a store that can't be read is never a yes, and its rows stay") {
  Shown s;
  s.view.store_problem = "no such directory";
  const Judgement j = s.judged();
  CHECK(j.overall() == Answer::kNo);
  CHECK(j.restorable.answer == Answer::kNo);
  for (const Question* q : {&j.fresh, &j.drilled, &j.in_time}) CHECK(q->answer == Answer::kUnknown);
  CHECK(j.troubles.size() == 1);
  CHECK_THAT(StatusJson(s.view, s.activity), ContainsSubstring("\"snapshots\": null") &&
                                                 ContainsSubstring("\"newest_snapshot\": null"));
  CHECK_THAT(SnapshotsJson(s.view), ContainsSubstring("\"total\": 2"));
  CHECK_THAT(DrillsJson(s.view), ContainsSubstring("\"total\": 1"));
}

TEST_CASE("a store whose every snapshot is lost is a no, whatever a drill once said") {
  Shown s;
  s.catalog->snapshots = {
      Shown::Entry(GENERATE(SnapshotState::kDamaged, SnapshotState::kUnreadable), kNow - 600)};
  s.view.state_created = At(kNow - 60);
  const Judgement j = s.judged();
  for (const Question* q : {&j.fresh, &j.drilled, &j.restorable}) CHECK(q->answer == Answer::kNo);
}

TEST_CASE("numbers and words of a member and of a snapshot") {
  Shown s;
  s.newest().last_drill = DrillSummary{.level_reached = 4};
  s.Probed("http://a",
           {.healthy = true,
            .status = etcd::MemberStatus{
                .cluster_id = 0xc, .member_id = 0xa, .db_size_bytes = 5, .leader_id = 0xa}});
  CHECK_THAT(StatusJson(s.view, s.activity), ContainsSubstring("\"role\": \"leader\"") &&
                                                 ContainsSubstring("\"cluster_id\": \"c\"") &&
                                                 ContainsSubstring("\"db_size\": 5") &&
                                                 ContainsSubstring("\"restorable\": 1"));
  CHECK_THAT(SnapshotsJson(s.view),
             ContainsSubstring("\"level\": 4") && ContainsSubstring("\"level\": 5"));
  CHECK_THAT(s.page(), ContainsSubstring("drill did not finish") && ContainsSubstring("leader"));
  s.Probed("http://a", {.problem = "gone"});
  CHECK_THAT(StatusJson(s.view, s.activity),
             ContainsSubstring("\"problem\": \"gone\"") && !ContainsSubstring("\"role\""));
}

TEST_CASE("nothing from outside becomes markup") {
  const std::string evil = "<script>alert(\"1\")</script>&amp;\x80\xff\x01";
  Shown s;
  s.config->cluster.name = evil;
  s.catalog->drills = {
      {.snapshot = evil, .etcd_version = evil, .failed_stage = StageName::kBoot, .error = evil}};
  s.newest().manifest.name = evil;
  s.newest().manifest.sha256 = evil;
  s.Probed(evil, {.problem = evil, .status = etcd::MemberStatus{.version = evil}});
  s.view.store_problem = evil;
  const std::string page = s.page();
  CHECK_THAT(page, !ContainsSubstring("<script>alert"));
  CHECK_THAT(page, ContainsSubstring("&lt;script&gt;alert(&quot;1&quot;)&lt;/"
                                     "script&gt;&amp;amp;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
  for (const std::string& json :
       {StatusJson(s.view, s.activity), SnapshotsJson(s.view), DrillsJson(s.view)})
    CHECK(json.starts_with("{"));
}

TEST_CASE("what is not UTF-8 is replaced, what is stays") {
  const auto text = [](std::string_view bytes) { return Html().Text(bytes).Take(); };
  CHECK(text("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(text("\xc0\xaf") == bad + bad);            // a slash in two bytes
  CHECK(text("\xed\xa0\x80") == bad + bad + bad);  // half of a surrogate pair
  CHECK(text("\xf4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(text("x\xe2\x82") == "x" + bad + bad);  // cut short
}

TEST_CASE("times for people") {
  CHECK(RoughTime(0.25) == "0.2 s");
  CHECK(RoughTime(3) == "3 s");
  CHECK(RoughTime(89) == "89 s");
  CHECK(RoughTime(3599) == "59 min");
  CHECK(RoughTime(7200) == "2 h");
  CHECK(RoughTime(93600) == "26 h");
  CHECK(RoughTime(5 * 86400 + 7200) == "5 d 2 h");
  CHECK(Age(3.9) == "3 s");
}

}  // namespace
}  // namespace etcdrill::report
