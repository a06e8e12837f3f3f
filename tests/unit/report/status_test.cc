// The four answers, and that nothing from outside becomes markup.
#include "report/status/html.h"
#include "report/status/json.h"
#include "report/status/judgement.h"
#include "report/status/page.h"
#include "support/catch.h"

namespace etcdrill::report {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

constexpr double kNow = 1'800'000'000;

WallTime At(double unix_seconds) {
  return WallTime(std::chrono::seconds(static_cast<int64_t>(unix_seconds)));
}

StatusFacts Good() {
  StatusFacts f;
  f.now = At(kNow);
  f.cluster = "prod";
  f.fixed.state_created = kNow - 1e6;
  f.fixed.rpo_seconds = 7200;
  f.fixed.restorable_rpo_seconds = 93600;
  f.fixed.rto_seconds = 900;
  f.store.newest = StoreFacts::Newest{.taken = kNow - 600, .keys = 7};
  f.store.restorable_taken = kNow - 7200;
  f.store.restorable_revision = 7;
  f.store.drill_last_duration_seconds = 12;
  f.history.last_of_newest = DrillSummary{.snapshot = "s",
                                          .level_reached = 5,
                                          .finished = At(kNow - 3000),
                                          .passed = true,
                                          .etcd_version = "3.5.30"};
  f.history.drills = {*f.history.last_of_newest};
  return f;
}

TEST_CASE("all is well") {
  const Judgement j = Judge(Good());
  CHECK(j.overall() == Answer::kYes);
  CHECK(j.fresh.fact == "10 min old");
  CHECK(j.fresh.more == "objective 2 h");
  CHECK(j.in_time.fact == "about 12 s");
  CHECK(j.troubles.empty());
  CHECK_THAT(StatusPage(Good()), ContainsSubstring("The backup is fresh, proven and restorable."));
}

TEST_CASE("each answer turns on its own, at its objective") {
  StatusFacts f = Good();
  f.store.newest->taken = kNow - 7200;
  CHECK(Judge(f).fresh.answer == Answer::kYes);
  f.store.newest->taken = kNow - 7201;
  CHECK(Judge(f).fresh.answer == Answer::kNo);
  CHECK(Judge(f).proven.answer == Answer::kYes);

  f = Good();
  f.store.restorable_taken = kNow - 93601;
  CHECK(Judge(f).proven.answer == Answer::kNo);
  CHECK(Judge(f).overall() == Answer::kNo);

  f = Good();
  f.store.drill_last_duration_seconds = 901;
  CHECK(Judge(f).in_time.answer == Answer::kNo);
  f.store.drill_forecast_seconds = 100;  // for the source as it is now: it counts more
  CHECK(Judge(f).in_time.answer == Answer::kYes);

  f = Good();
  f.history.last_of_newest->passed = false;
  f.history.last_of_newest->failed_stage = StageName::kBoot;
  CHECK(Judge(f).restorable.answer == Answer::kNo);
  f.history.drills = {DrillSummary{.newest = false, .passed = true}};
  CHECK(Judge(f).restorable.answer == Answer::kNo);  // an older snapshot that passes hides nothing
  CHECK(Judge(f).troubles.size() == 1);
}

TEST_CASE("what never happened is unknown while the objective gives it time, then a no") {
  StatusFacts f = Good();
  f.store = {};
  f.history = {};
  f.fixed.state_created = kNow - 60;
  Judgement j = Judge(f);
  for (const Question* q : {&j.fresh, &j.proven, &j.restorable, &j.in_time})
    CHECK(q->answer == Answer::kUnknown);
  CHECK(j.overall() == Answer::kUnknown);
  f.fixed.state_created = kNow - 7201;
  CHECK(Judge(f).fresh.answer == Answer::kNo);
  CHECK(Judge(f).proven.answer == Answer::kUnknown);
}

TEST_CASE("a drill that passed counts for as long as what it passed on is there") {
  StatusFacts f = Good();
  f.store.restorable_revision.reset();
  f.store.restorable_taken.reset();
  CHECK(Judge(f).restorable.answer == Answer::kNo);
  CHECK_THAT(Judge(f).restorable.more, ContainsSubstring("damaged or gone"));
  f.store.newest.reset();  // nothing is left but the reports
  CHECK(Judge(f).restorable.answer == Answer::kNo);
}

TEST_CASE("troubles that leave the answers alone are told") {
  StatusFacts f = Good();
  f.store.unkept = "no space";
  f.store.lost = {"one", "two"};
  f.store.damaged = 2;
  f.store.hashkv_consistent = false;
  f.activity.snapshot_consecutive_failures = 3;
  f.store.unreadable = 1;
  f.health = Health{.members = {{.endpoint = "http://a", .healthy = false, .problem = "gone"}},
                    .alarms = {"nospace"}};
  CHECK(Judge(f).troubles.size() == 9);
  CHECK(Judge(f).overall() == Answer::kYes);
  CHECK_THAT(StatusPage(f), ContainsSubstring("The last 3 snapshots failed."));
  f.activity.snapshot_consecutive_failures = 1;
  CHECK(Judge(f).troubles.size() == 9);
}

TEST_CASE("a time in the future makes nothing young") {
  StatusFacts f = Good();
  f.store.newest->taken = kNow + 299;  // clocks differ by a little
  CHECK(Judge(f).fresh.answer == Answer::kYes);
  f.store.newest->taken =
      GENERATE(as<std::optional<double>>{}, kNow + 301, kNow + 400 * 86400, std::nullopt);
  f.store.restorable_taken = f.store.newest->taken;
  f.store.from_future = 1;
  f.history.last_of_newest->finished = At(kNow + 400 * 86400);
  f.history.snapshots = {
      {.name = "s", .taken = At(kNow + 400 * 86400), .state = SnapshotState::kRestorable}};
  const Judgement j = Judge(f);
  CHECK(j.fresh.answer == Answer::kNo);
  CHECK(j.proven.answer == Answer::kNo);
  CHECK(j.restorable.answer == Answer::kUnknown);
  CHECK(j.troubles.size() == 1);
  for (const Question* q : {&j.fresh, &j.proven, &j.restorable}) {
    CHECK_THAT(q->fact, ContainsSubstring("the future") && !ContainsSubstring("a moment"));
  }
  CHECK_THAT(StatusPage(f),
             ContainsSubstring(">in the future</time>") && !ContainsSubstring("a moment"));
  CHECK_THAT(SnapshotsJson(f), ContainsSubstring("\"from_future\": true"));
}

TEST_CASE("a newest snapshot without a key is a trouble, and restores all the same") {
  StatusFacts f = Good();
  f.store.newest->keys = 0;
  const Judgement j = Judge(f);
  REQUIRE(j.troubles.size() == 1);
  CHECK(j.troubles[0].what == "The newest snapshot holds no key.");
  CHECK(j.overall() == Answer::kYes);
}

TEST_CASE("what is of another history, of another cluster, or does not continue is told once") {
  StatusFacts f = Good();
  f.store.other_history = 2;
  f.store.of_others = 1;
  f.store.lineage_diverged = true;
  const Judgement j = Judge(f);
  REQUIRE(j.troubles.size() == 3);
  CHECK(j.troubles[0].what == "The newest snapshot does not continue the one before it.");
  CHECK(j.troubles[1].what == "The store holds 1 snapshot of other clusters.");
  CHECK(j.troubles[2].what == "2 adopted snapshots are of another history than the source.");
  f.history.snapshots = {
      {.name = "s", .taken = f.now, .state = SnapshotState::kRestorable, .other_history = true}};
  CHECK_THAT(SnapshotsJson(f), ContainsSubstring("\"other_history\": true"));
  CHECK_THAT(StatusPage(f), ContainsSubstring("of another history"));
}

TEST_CASE("a store that can't be read is never a yes") {
  StatusFacts f = Good();
  f.store_problem = "no such directory";
  const Judgement j = Judge(f);
  CHECK(j.overall() == Answer::kNo);
  CHECK(j.restorable.answer == Answer::kNo);
  for (const Question* q : {&j.fresh, &j.proven, &j.in_time}) CHECK(q->answer == Answer::kUnknown);
  CHECK(j.troubles.size() == 1);
  CHECK_THAT(StatusJson(f), ContainsSubstring("\"snapshots\": null"));
}

TEST_CASE("a store whose every snapshot is lost is a no, whatever a drill once said") {
  StatusFacts f = Good();
  f.store.newest.reset();
  f.store.restorable_taken.reset();
  f.fixed.state_created = kNow - 60;
  (GENERATE(false, true) ? f.store.damaged : f.store.unreadable) = 1;
  const Judgement j = Judge(f);
  for (const Question* q : {&j.fresh, &j.proven, &j.restorable}) CHECK(q->answer == Answer::kNo);
}

TEST_CASE("nothing from outside becomes markup") {
  const std::string evil = "<script>alert(\"1\")</script>&amp;\x80\xff\x01";
  StatusFacts f = Good();
  f.cluster = evil;
  f.history.drills[0] = {
      .snapshot = evil, .etcd_version = evil, .failed_stage = StageName::kBoot, .error = evil};
  f.history.last_of_newest = f.history.drills[0];
  f.history.snapshots = {{.name = evil, .sha256 = evil}};
  f.health = Health{
      .members =
          {{.endpoint = evil, .problem = evil, .role = evil, .version = evil, .revision = 1}},
      .alarms = {evil}};
  f.store_problem = evil;
  const std::string page = StatusPage(f);
  CHECK_THAT(page, !ContainsSubstring("<script>alert"));
  CHECK_THAT(page, ContainsSubstring("&lt;script&gt;alert(&quot;1&quot;)&lt;/"
                                     "script&gt;&amp;amp;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
  for (const std::string& json : {StatusJson(f), SnapshotsJson(f), DrillsJson(f)})
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
