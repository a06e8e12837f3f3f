// What a scrape tells of sites, and that docs/reference/metrics.md has the same names, labels and
// help.
#include "report/site_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "support/catch.h"
#include "support/snapshots.h"

namespace etcdrill::report {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

WallTime SiteSecond(int64_t unix_seconds) { return WallTime(std::chrono::seconds(unix_seconds)); }

// All that can be known of a site.
SiteView WholeSite() {
  SiteView site{.name = "offsite",
                .listed = SiteSecond(900),
                .copies = {{SnapshotState::kRestorable, 2}, {SnapshotState::kDamaged, 1}},
                .bytes = 5000,
                .newest_copy = SiteSecond(800),
                .newest_proven = SiteSecond(700),
                .newest_restorable = SiteSecond(600),
                .waiting = 3,
                .waiting_since = SiteSecond(850),
                .locked_until = SiteSecond(2000),
                .least_recent_hash = SiteSecond(500),
                .findings = {{.kind = Oddity::kVanished, .copy = "a"},
                             {.kind = Oddity::kVanished, .copy = "b"}},
                .problem = Error(Reason::kTimeout, "no answer"),
                .failing_since = SiteSecond(950),
                .wants_lock = true,
                .has_identity = false,
                .credentials_end = SiteSecond(3000),
                .copied = 7,
                .deleted = 6,
                .scrubbed_bytes = 4000};
  site.traffic = {.calls = {{objects::Operation::kPut, 10}},
                  .failures = {{Reason::kAccessDenied, 2}, {Reason::kUsage, 1}, {Reason::kBusy, 1}},
                  .bytes_sent = 300,
                  .bytes_received = 200};
  return site;
}

struct SiteScrape {
  std::string Page() const {
    Families page;
    AddSites(view, page);
    return page.Text();
  }

  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  View view{.now = SiteSecond(1000), .config = config};
};

TEST_CASE("without a site there is no metric of one") { CHECK(SiteScrape().Page().empty()); }

TEST_CASE("of a site that was not listed yet only its settings and counters are known") {
  SiteScrape s;
  s.view.sites = {{.name = "offsite", .waiting = 3, .wants_lock = true}};
  const std::string page = s.Page();
  for (const char* line : {"etcdrill_site_lock_wanted{site=\"offsite\"} 1\n",
                           "etcdrill_site_identity{site=\"offsite\"} 1\n",
                           "etcdrill_site_requests_total{site=\"offsite\",operation=\"sweep\"} 0\n",
                           "etcdrill_site_copied_total{site=\"offsite\"} 0\n"}) {
    CHECK_THAT(page, ContainsSubstring(line));
  }
  for (const char* name :
       {"etcdrill_site_listed", "etcdrill_site_copies", "etcdrill_site_bytes",
        "etcdrill_site_newest", "etcdrill_site_waiting", "etcdrill_site_findings",
        "etcdrill_site_failing", "etcdrill_site_locked_until", "etcdrill_site_least_recent"}) {
    CHECK_THAT(page, !ContainsSubstring(name));
  }
  s.view.sites[0].problem = Error(Reason::kCredentials, "refused");
  CHECK_THAT(s.Page(), ContainsSubstring("etcdrill_site_failing{site=\"offsite\"} 1\n") &&
                           !ContainsSubstring("etcdrill_site_copies"));
}

TEST_CASE("an empty site that was listed has zeros, and no times") {
  SiteScrape s;
  s.view.sites = {{.name = "offsite", .listed = SiteSecond(900)}};
  const std::string page = s.Page();
  CHECK_THAT(
      page, ContainsSubstring("etcdrill_site_copies{site=\"offsite\",state=\"damaged\"} 0\n") &&
                ContainsSubstring("etcdrill_site_findings{site=\"offsite\",kind=\"hidden\"} 0\n") &&
                ContainsSubstring("etcdrill_site_failing{site=\"offsite\"} 0\n") &&
                !ContainsSubstring("etcdrill_site_newest") &&
                !ContainsSubstring("etcdrill_site_failing_since"));
}

TEST_CASE("all that is known of a site is on the page") {
  SiteScrape s;
  s.view.sites = {WholeSite(), {.name = "nas"}};
  s.config->sites.resize(2);
  s.config->sites[0].name = "offsite";
  s.config->sites[0].drill = config::Every(2h);
  s.config->sites[1].name = "nas";
  s.config->sites[1].drill.reset();
  const std::string page = s.Page();
  for (const char* line : {"_listed_timestamp_seconds{site=\"offsite\"} 900\n",
                           "_copies{site=\"offsite\",state=\"restorable\"} 2\n",
                           "_copies{site=\"offsite\",state=\"untested\"} 0\n",
                           "_bytes{site=\"offsite\"} 5000\n",
                           "_newest_copy_timestamp_seconds{site=\"offsite\"} 800\n",
                           "_newest_proven_copy_timestamp_seconds{site=\"offsite\"} 700\n",
                           "_newest_restorable_copy_timestamp_seconds{site=\"offsite\"} 600\n",
                           "_waiting_snapshots{site=\"offsite\"} 3\n",
                           "_waiting_since_timestamp_seconds{site=\"offsite\"} 850\n",
                           "_failing{site=\"offsite\"} 1\n",
                           "_failing_since_timestamp_seconds{site=\"offsite\"} 950\n",
                           "_lock_wanted{site=\"offsite\"} 1\n",
                           "_locked_until_timestamp_seconds{site=\"offsite\"} 2000\n",
                           "_identity{site=\"offsite\"} 0\n",
                           "_credentials_end_timestamp_seconds{site=\"offsite\"} 3000\n",
                           "_findings{site=\"offsite\",kind=\"vanished\"} 2\n",
                           "_least_recent_hash_timestamp_seconds{site=\"offsite\"} 500\n",
                           "_drill_interval_seconds{site=\"offsite\"} 7200\n",
                           "_requests_total{site=\"offsite\",operation=\"put\"} 10\n",
                           "_request_failures_total{site=\"offsite\",reason=\"access_denied\"} 2\n",
                           "_request_failures_total{site=\"offsite\",reason=\"other\"} 2\n",
                           "_sent_bytes_total{site=\"offsite\"} 300\n",
                           "_received_bytes_total{site=\"offsite\"} 200\n",
                           "_copied_total{site=\"offsite\"} 7\n",
                           "_deleted_total{site=\"offsite\"} 6\n",
                           "_scrubbed_bytes_total{site=\"offsite\"} 4000\n",
                           "_lock_wanted{site=\"nas\"} 0\n"}) {
    CHECK_THAT(page, ContainsSubstring(std::string("etcdrill_site") + line));
  }
  CHECK_THAT(page, !ContainsSubstring("_drill_interval_seconds{site=\"nas\"}"));
}

// What a page of metrics says of one.
struct Described {
  std::string type, help;
  std::map<std::string, std::set<std::string>> labels;  // all values; of `site` none
  bool operator==(const Described&) const = default;
};

std::string Cell(const std::vector<std::string_view>& cells, size_t i) {
  return std::string(Trim(cells.at(i)));
}

std::map<std::string, Described> InTheCatalogue() {
  const std::string text = testing::ReadFile(ETCDRILL_SOURCE_DIR "/docs/reference/metrics.md");
  std::map<std::string, Described> metrics;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.starts_with("| etcdrill_site_")) continue;
    const auto cells = Split(line, '|');
    Described& metric = metrics[Cell(cells, 1)];
    metric.type = Cell(cells, 2);
    metric.help = Cell(cells, 5);
    const std::string labels = Cell(cells, 3);
    for (const std::string_view label : Split(labels, ';')) {
      const std::string_view trimmed = Trim(label);
      const size_t equals = trimmed.find('=');
      if (equals == std::string_view::npos) continue;
      for (const std::string_view value : Split(trimmed.substr(equals + 1), ','))
        metric.labels[std::string(trimmed.substr(0, equals))].emplace(value);
    }
  }
  return metrics;
}

std::map<std::string, Described> OnThePage(const std::string& page) {
  std::map<std::string, Described> metrics;
  for (const std::string_view line : Split(page, '\n')) {
    const auto words = Split(line, ' ');
    if (line.starts_with("# HELP ")) {
      metrics[std::string(words[2])].help = line.substr(8 + words[2].size());
    } else if (line.starts_with("# TYPE ")) {
      metrics[std::string(words[2])].type = words[3];
    } else if (const size_t label = line.find("\","); label != std::string_view::npos) {
      const std::string_view second = line.substr(label + 2, line.find('}') - label - 3);
      const size_t equals = second.find('=');
      metrics[std::string(line.substr(0, line.find('{')))]
          .labels[std::string(second.substr(0, equals))]
          .emplace(second.substr(equals + 2));
    }
  }
  return metrics;
}

TEST_CASE("the catalogue has each metric of a site, its labels and its help") {
  SiteScrape s;
  s.view.sites = {WholeSite()};
  s.config->sites.resize(1);
  s.config->sites[0].name = "offsite";
  const auto real = OnThePage(s.Page());
  const auto told = InTheCatalogue();
  REQUIRE(told.size() > 20);
  for (const auto& [name, metric] : told) {
    INFO(name);
    REQUIRE(real.contains(name));
    CHECK(real.at(name).type == metric.type);
    CHECK(real.at(name).help == metric.help);
    CHECK(real.at(name).labels == metric.labels);
  }
  CHECK(real.size() == told.size());
}

}  // namespace
}  // namespace etcdrill::report
