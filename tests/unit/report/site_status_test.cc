// What the status tells of sites: a site that is not known or holds no fresh copy is never a yes.
#include <algorithm>
#include <memory>

#include "base/json_reader.h"
#include "report/status/site_judgement.h"
#include "report/status/status.h"
#include "support/catch.h"

namespace etcdrill::report {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

constexpr int64_t kSiteNow = 1'800'000'000;

WallTime Ago(Duration age) {
  return WallTime(std::chrono::seconds(kSiteNow)) -
         std::chrono::duration_cast<WallTime::duration>(age);
}

// A store that is well, and a site that is, too.
struct WithSite {
  WithSite() {
    catalog::CatalogEntry entry;
    entry.state = SnapshotState::kRestorable;
    entry.manifest.taken = Ago(10min);
    entry.manifest.live_keys = 7;
    catalog->snapshots = {entry};
    catalog->drills = {
        {.level_reached = 5, .finished = Ago(5min), .rto_seconds = 12, .passed = true}};
    config->sites.resize(1);
    config->sites[0].name = "offsite";
    view.sites = {{.name = "offsite",
                   .address = "s3://bucket/prefix",
                   .listed = Ago(1min),
                   .copies = {{SnapshotState::kRestorable, 3}},
                   .newest_copy = Ago(10min),
                   .newest_proven = Ago(10min),
                   .newest_restorable = Ago(20h)}};
  }
  SiteView& site() { return view.sites.front(); }
  Judgement judged() const { return Judge(view, {}); }
  std::string page() const { return StatusPage(view, {}); }
  Json json() const { return Json::parse(StatusJson(view, {})); }

  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  std::shared_ptr<catalog::Catalog> catalog = std::make_shared<catalog::Catalog>();
  View view{.now = Ago(0s), .config = config, .catalog = catalog, .state_created = Ago(240h)};
};

TEST_CASE("a fresh copy at each site is a yes, and without sites nobody asks") {
  WithSite s;
  Judgement j = s.judged();
  CHECK(j.overall() == Answer::kYes);
  CHECK(j.troubles.empty());
  REQUIRE(j.copied.has_value());
  CHECK(j.copied->fact == "offsite: 10 min old");
  CHECK(j.copied->more == "limit 4 h: twice objectives.rpo");
  CHECK_THAT(s.page(), ContainsSubstring("restorable and copied.") &&
                           ContainsSubstring("Copies at sites") &&
                           ContainsSubstring("s3://bucket/prefix"));
  s.view.sites.clear();
  j = s.judged();
  CHECK_FALSE(j.copied.has_value());
  CHECK(j.overall() == Answer::kYes);
  CHECK_THAT(s.page(), !ContainsSubstring("id=\"sites\"") && !ContainsSubstring("copied"));
  CHECK(s.json()["copied"].is_null());
  CHECK(s.json()["sites"].empty());
}

TEST_CASE("a copy that is older than twice the objective is a no") {
  WithSite s;
  s.site().newest_copy = Ago(4h);
  CHECK(s.judged().overall() == Answer::kYes);
  s.site().newest_copy = Ago(4h + 1s);
  CHECK(s.judged().overall() == Answer::kNo);
  CHECK_THAT(s.page(), ContainsSubstring("Action needed: no fresh copy at offsite."));
  s.site().newest_copy = Ago(-301s);
  CHECK(s.judged().copied->answer == Answer::kNo);
  CHECK_THAT(s.judged().copied->fact, ContainsSubstring("in the future"));
}

TEST_CASE("a site that was not listed is unknown by its name, and lost once it fails for long") {
  WithSite s;
  s.view.sites.push_back({.name = "nas"});
  Judgement j = s.judged();
  CHECK(j.overall() == Answer::kUnknown);
  CHECK_THAT(j.copied->fact, ContainsSubstring("nas: not listed yet"));
  CHECK_THAT(s.page(), ContainsSubstring("Not everything is known yet."));
  CHECK(s.json()["sites"][1]["copies"].is_null());
  CHECK(s.json()["sites"][1]["waiting"].is_null());
  s.view.sites[1].problem = Error(Reason::kConnect, "no route to nas");
  s.view.sites[1].failing_since = Ago(4h);
  j = s.judged();
  CHECK(j.overall() == Answer::kUnknown);
  REQUIRE(j.troubles.size() == 1);
  CHECK(j.troubles[0].what == "Work with the site nas has failed for 4 h: no route to nas");
  s.view.sites[1].failing_since = Ago(4h + 1s);
  CHECK(s.judged().overall() == Answer::kNo);
  CHECK_THAT(s.judged().copied->if_no, ContainsSubstring("nas") && !ContainsSubstring("offsite"));
}

TEST_CASE("an empty site has time for its first copy, one without a usable copy has not") {
  WithSite s;
  s.site() = {.name = "offsite", .listed = Ago(1min)};
  s.view.state_created = Ago(1h);
  CHECK(s.judged().copied->answer == Answer::kUnknown);
  s.site().copies = {{SnapshotState::kDamaged, 1}};
  CHECK(s.judged().copied->answer == Answer::kNo);
  s.site().copies.clear();
  s.view.state_created = Ago(4h + 1s);
  CHECK(s.judged().copied->answer == Answer::kNo);
}

TEST_CASE("what is wrong at a site is told, each thing once") {
  WithSite s;
  const auto only_trouble = [&] {
    const Judgement j = s.judged();
    CHECK(j.overall() == Answer::kYes);
    REQUIRE(j.troubles.size() == 1);
    CHECK_THAT(s.page(), ContainsSubstring("1 above"));
    return j.troubles[0].what;
  };
  SECTION("damage") {
    s.site().copies[SnapshotState::kDamaged] = 2;
    CHECK(only_trouble() == "Damaged copies at the site offsite: 2.");
  }
  SECTION("a lock that is missing, or over") {
    s.site().wants_lock = true;
    s.site().locked_until = Ago(-1s);
    CHECK(s.judged().troubles.empty());
    s.site().locked_until = Ago(0s);
    CHECK(only_trouble() == "The newest proven copy at the site offsite is not locked.");
    s.site().locked_until.reset();
    only_trouble();
  }
  SECTION("findings, one for each kind") {
    s.site().findings = {{.kind = Oddity::kVanished, .text = "the bytes of a are gone"},
                         {.kind = Oddity::kVanished, .text = "the bytes of b are gone"}};
    CHECK(only_trouble() == "Site offsite: the bytes of a are gone (1 more like this)");
    s.site().findings.push_back({.kind = Oddity::kUntrusted, .text = "nobody signed c"});
    CHECK(s.judged().troubles.size() == 2);
  }
  SECTION("snapshots that wait for longer than a day") {
    s.site().waiting = 4;
    s.site().waiting_since = Ago(24h);
    CHECK(s.judged().troubles.empty());
    s.site().waiting_since = Ago(25h);
    CHECK_THAT(only_trouble(), ContainsSubstring("offsite: 4, the oldest taken 25 h ago."));
  }
}

TEST_CASE(
    "a site is drilled by its objective or twice its schedule, if it can be opened from here") {
  WithSite s;
  s.site().newest_restorable = Ago(48h);  // it is drilled once a day
  CHECK(s.judged().troubles.empty());
  s.site().newest_restorable = Ago(48h + 1s);
  REQUIRE(s.judged().troubles.size() == 1);
  CHECK(s.judged().troubles[0].what ==
        "The newest restorable copy at the site offsite is 2 d old.");
  s.config->sites[0].drill.reset();
  s.site().newest_restorable = Ago(26h + 1s);
  CHECK(s.judged().troubles.size() == 1);
  s.site().newest_restorable.reset();
  CHECK(s.judged().troubles[0].what == "No copy at the site offsite has passed a drill.");
  s.site().has_identity = false;
  CHECK(s.judged().troubles.empty());
}

TEST_CASE("the status as JSON has what is known of a site") {
  WithSite s;
  s.site().locked_until = Ago(-1h);
  s.site().findings = {{.kind = Oddity::kHidden, .copy = "c", .text = "t"}};
  s.site().problem = Error(Reason::kTimeout, "no answer");
  const Json site = s.json()["sites"][0];
  CHECK(site["copies"]["restorable"] == 3);
  CHECK(site["copies"]["unreadable"] == 0);
  CHECK(site["newest_copy"] == FormatRfc3339(Ago(10min)));
  CHECK(site["waiting_since"].is_null());
  CHECK(site["locked_until"] == FormatRfc3339(Ago(-1h)));
  CHECK(site["findings"][0]["kind"] == "hidden");
  CHECK(site["problem"] == "no answer");
  CHECK(site["identity"] == true);
}

TEST_CASE("nothing that a site says becomes markup") {
  WithSite s;
  const std::string evil = "<script>alert(1)</script>";
  s.site() = {.name = evil, .address = evil, .problem = Error(Reason::kTimeout, evil)};
  s.site().listed = Ago(1min);
  s.site().findings = {{.copy = evil, .text = evil}};
  CHECK_THAT(s.page(), !ContainsSubstring("<script>alert"));
}

}  // namespace
}  // namespace etcdrill::report
