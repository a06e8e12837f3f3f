// Names and help, as docs/reference/metrics.md has them.
#include "report/site_metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace etcdrill::report {
namespace {

// What an object store answers with, by its own name; all else is "other", so that a reason that is
// new makes no label that nobody knows.
constexpr std::array kTrafficReasons = {
    Reason::kAccessDenied,  Reason::kBucketMissing, Reason::kConnect,   Reason::kCredentials,
    Reason::kIoError,       Reason::kNoSpace,       Reason::kStreamCut, Reason::kStreamShort,
    Reason::kStreamStalled, Reason::kTimeout,       Reason::kTls};
constexpr std::string_view kOtherReason = "other";

std::string_view TrafficLabelOf(Reason reason) {
  const bool is_known = std::ranges::find(kTrafficReasons, reason) != kTrafficReasons.end();
  return is_known ? InfoOf(reason).name : kOtherReason;
}

std::optional<double> UnixOrNone(std::optional<WallTime> time) {
  return time.has_value() ? std::optional(UnixSeconds(*time)) : std::nullopt;
}

class SiteFamilies {
 public:
  SiteFamilies(const std::vector<SiteView>& sites, Families& page) : sites_(sites), page_(page) {}

  template <typename Value>
  void Gauge(const char* name, const char* help, Value value) {
    page_.Gauge(name, help);
    for (const SiteView& site : sites_) page_.Sample(value(site), {{"site", site.name}});
  }
  // Of what only a listing tells.
  template <typename Value>
  void Listed(const char* name, const char* help, Value value) {
    Gauge(name, help, [&](const SiteView& site) -> std::optional<double> {
      if (!site.listed.has_value()) return std::nullopt;
      return value(site);
    });
  }
  template <typename Value>
  void ListedTime(const char* name, const char* help, Value value) {
    Listed(name, help, [&](const SiteView& site) { return UnixOrNone(value(site)); });
  }
  template <typename Value>
  void Counter(const char* name, const char* help, Value value) {
    page_.Counter(name, help);
    for (const SiteView& site : sites_) {
      page_.Sample(static_cast<double>(value(site)), {{"site", site.name}});
    }
  }
  // A sample for each value of a label; `counts` gives a map that has each of them.
  template <typename Counts>
  void ByLabel(const char* label, Counts counts) {
    for (const SiteView& site : sites_) {
      for (const auto& [value, count] : counts(site))
        page_.Sample(static_cast<double>(count), {{"site", site.name}, {label, value}});
    }
  }

 private:
  const std::vector<SiteView>& sites_;
  Families& page_;
};

using Counts = std::map<std::string_view, uint64_t>;

Counts CopiesOf(const SiteView& site) {
  Counts counts;
  if (!site.listed.has_value()) return counts;
  for (const SnapshotState state : ValuesOf<SnapshotState>()) {
    const auto known = site.copies.find(state);
    counts[NameOf(state)] = known != site.copies.end() ? known->second : 0;
  }
  return counts;
}

Counts FindingsOf(const SiteView& site) {
  Counts counts;
  if (!site.listed.has_value()) return counts;
  for (const Oddity kind : ValuesOf<Oddity>()) {
    counts[NameOf(kind)] =
        static_cast<uint64_t>(std::ranges::count(site.findings, kind, &SiteFindingView::kind));
  }
  return counts;
}

Counts CallsOf(const SiteView& site) {
  Counts counts;
  for (const objects::Operation operation : ValuesOf<objects::Operation>()) {
    const auto called = site.traffic.calls.find(operation);
    counts[NameOf(operation)] = called != site.traffic.calls.end() ? called->second : 0;
  }
  return counts;
}

Counts FailuresOf(const SiteView& site) {
  Counts counts = {{kOtherReason, 0}};
  for (const Reason reason : kTrafficReasons) counts[InfoOf(reason).name] = 0;
  for (const auto& [reason, count] : site.traffic.failures) counts[TrafficLabelOf(reason)] += count;
  return counts;
}

// None: nobody has tried yet.
std::optional<bool> IsFailing(const SiteView& site) {
  if (!site.problem.ok()) return true;
  return site.listed.has_value() ? std::optional(false) : std::nullopt;
}

void AddCopies(SiteFamilies& sites, Families& page) {
  sites.ListedTime("etcdrill_site_listed_timestamp_seconds",
                   "Time of the last successful listing of the site, as a Unix timestamp.",
                   [](const SiteView& s) { return s.listed; });
  page.Gauge("etcdrill_site_copies", "Number of copies at the site, by state.");
  sites.ByLabel("state", CopiesOf);
  sites.Listed("etcdrill_site_bytes", "Total size of the copies, as they are stored at the site.",
               [](const SiteView& s) { return static_cast<double>(s.bytes); });
  sites.ListedTime(
      "etcdrill_site_newest_copy_timestamp_seconds",
      "Time of the newest usable copy at the site, as a Unix timestamp: when its snapshot was "
      "taken, or last confirmed to match the cluster.",
      [](const SiteView& s) { return s.newest_copy; });
  sites.ListedTime("etcdrill_site_newest_proven_copy_timestamp_seconds",
                   "Time of the newest usable copy whose snapshot was proven when it was taken, as "
                   "a Unix timestamp.",
                   [](const SiteView& s) { return s.newest_proven; });
  sites.ListedTime("etcdrill_site_newest_restorable_copy_timestamp_seconds",
                   "Time of the newest copy that passed a drill which fetched it from the site, as "
                   "a Unix timestamp.",
                   [](const SiteView& s) { return s.newest_restorable; });
  sites.ListedTime(
      "etcdrill_site_least_recent_hash_timestamp_seconds",
      "Time of the oldest last hash among the copies at the site, as a Unix timestamp.",
      [](const SiteView& s) { return s.least_recent_hash; });
  page.Gauge("etcdrill_site_findings",
             "Number of things at the site that should not be so, by kind.");
  sites.ByLabel("kind", FindingsOf);
}

void AddBacklog(SiteFamilies& sites) {
  sites.Listed("etcdrill_site_waiting_snapshots",
               "Number of stored snapshots that have yet to be copied to the site.",
               [](const SiteView& s) { return static_cast<double>(s.waiting); });
  sites.ListedTime("etcdrill_site_waiting_since_timestamp_seconds",
                   "Time at which the oldest snapshot that has yet to be copied was taken, as a "
                   "Unix timestamp.",
                   [](const SiteView& s) { return s.waiting_since; });
  sites.Gauge("etcdrill_site_failing",
              "Result of the last attempt to work with the site: 1 failed, 0 success.", IsFailing);
  sites.Gauge("etcdrill_site_failing_since_timestamp_seconds",
              "Time since which every attempt to work with the site has failed, as a Unix "
              "timestamp.",
              [](const SiteView& s) { return UnixOrNone(s.failing_since); });
}

void AddKeys(SiteFamilies& sites) {
  sites.Gauge("etcdrill_site_lock_wanted",
              "Whether copies are to be locked at the site: 1 yes, 0 no.",
              [](const SiteView& s) { return s.wants_lock; });
  sites.ListedTime("etcdrill_site_locked_until_timestamp_seconds",
                   "End of the lock of the newest proven copy at the site, as a Unix timestamp; "
                   "absent if it is not locked.",
                   [](const SiteView& s) { return s.locked_until; });
  sites.Gauge(
      "etcdrill_site_identity",
      "Whether the sidecar can open the copies at the site: 1 yes, 0 they are encrypted and "
      "it has no identity.",
      [](const SiteView& s) { return s.has_identity; });
  sites.Gauge("etcdrill_site_credentials_end_timestamp_seconds",
              "End of the credentials that were used last at the site, as a Unix timestamp; absent "
              "if they have none.",
              [](const SiteView& s) { return UnixOrNone(s.credentials_end); });
}

void AddTraffic(SiteFamilies& sites, Families& page) {
  page.Counter(
      "etcdrill_site_requests_total",
      "Number of operations at the site; each try counts. An upload in parts, or a listing of "
      "several pages, is one.");
  sites.ByLabel("operation", CallsOf);
  page.Counter("etcdrill_site_request_failures_total",
               "Number of failed requests to the site, by reason; each try counts.");
  sites.ByLabel("reason", FailuresOf);
  sites.Counter("etcdrill_site_sent_bytes_total", "Number of bytes sent to the site.",
                [](const SiteView& s) { return s.traffic.bytes_sent; });
  sites.Counter("etcdrill_site_received_bytes_total", "Number of bytes received from the site.",
                [](const SiteView& s) { return s.traffic.bytes_received; });
  sites.Counter("etcdrill_site_copied_total", "Number of snapshots copied to the site.",
                [](const SiteView& s) { return s.copied; });
  sites.Counter("etcdrill_site_deleted_total",
                "Number of copies deleted at the site by its retention.",
                [](const SiteView& s) { return s.deleted; });
  sites.Counter("etcdrill_site_scrubbed_bytes_total",
                "Number of bytes of copies that the scrub fetched from the site and hashed.",
                [](const SiteView& s) { return s.scrubbed_bytes; });
}

void AddSiteDrillIntervals(const config::Config& config, Families& page) {
  page.Gauge("etcdrill_site_drill_interval_seconds",
             "Longest gap between scheduled drills from the site, absent without a schedule.");
  for (const config::SiteConfig& site : config.sites) {
    if (!site.drill.has_value()) continue;
    page.Sample(SecondsOf(site.drill->LongestGap()), {{"site", site.name}});
  }
}

}  // namespace

void AddSites(const View& view, Families& page) {
  SiteFamilies sites(view.sites, page);
  AddSiteDrillIntervals(*view.config, page);
  AddCopies(sites, page);
  AddBacklog(sites);
  AddKeys(sites);
  AddTraffic(sites, page);
}

}  // namespace etcdrill::report
