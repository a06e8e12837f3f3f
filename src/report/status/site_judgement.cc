// A copy may be twice as old as the objective of snapshots allows, as in EtcdBackupSiteStale: it
// comes after its snapshot, and one upload that is slow is no lost site. A site that was not listed
// since the start is not known, whatever it held before.
#include "report/status/site_judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

namespace etcdrill::report {
namespace {

constexpr double kWaitsTooLongSeconds = 86400;  // as EtcdBackupSiteStale has it

double CopyAgeMax(const View& view) { return 2 * SecondsOf(view.config->objectives.rpo); }

double SecondsSince(WallTime time, const View& view) {
  return UnixSeconds(view.now) - UnixSeconds(time);
}

uint64_t AllCopies(const SiteView& site) {
  uint64_t all = 0;
  for (const auto& [state, count] : site.copies) all += count;
  return all;
}

void AddPart(std::string& list, std::string_view part) {
  if (!list.empty()) list += ", ";
  list += part;
}

std::string_view AdviceOn(Oddity kind) {
  if (kind == Oddity::kLockMissing) {
    return "Anybody who may delete there can delete these copies. See what the site does: etcdrill "
           "check store --config FILE";
  }
  if (kind == Oddity::kUntrusted || kind == Oddity::kUnreadable) {
    return "Such copies are not used. Find out who wrote them. If it was a sidecar of yours, add "
           "its public key to the signers.";
  }
  return "etcdrill did not do this. Find out who may write to the site, and what is left there: "
         "etcdrill snapshot list --site SITE --config FILE";
}

// One for each kind: a bucket that somebody emptied has one problem, not a thousand.
void AddFindings(const SiteView& site, std::vector<Trouble>& troubles) {
  std::map<Oddity, std::vector<const SiteFindingView*>> by_kind;
  for (const SiteFindingView& finding : site.findings) by_kind[finding.kind].push_back(&finding);
  for (const auto& [kind, found] : by_kind) {
    const std::string others =
        found.size() > 1 ? fmt::format(" ({} more like this)", found.size() - 1) : "";
    troubles.push_back({fmt::format("Site {}: {}{}", site.name, found.front()->text, others),
                        std::string(AdviceOn(kind))});
  }
}

void AddWork(const SiteView& site, const View& view, std::vector<Trouble>& troubles) {
  if (!site.problem.ok()) {
    const std::string since =
        site.failing_since.has_value()
            ? fmt::format(" for {}", Age(SecondsSince(*site.failing_since, view)))
            : "";
    troubles.push_back({fmt::format("Work with the site {} has failed{}: {}", site.name, since,
                                    MessageOf(site.problem)),
                        "etcdrill tries again. See what the site does: etcdrill check store "
                        "--config FILE"});
  }
  if (site.listed.has_value() && site.waiting_since.has_value() &&
      SecondsSince(*site.waiting_since, view) > kWaitsTooLongSeconds) {
    troubles.push_back(
        {fmt::format("Snapshots wait to be copied to the site {}: {}, the oldest "
                     "taken {} ago.",
                     site.name, site.waiting, Age(SecondsSince(*site.waiting_since, view))),
         "The log has the reason. Until they are copied, they stay in the store."});
  }
}

// The longest that the newest restorable copy may be old; a site that is drilled once a week is not
// held to the objective of a day.
double RestorableAgeMax(const SiteView& site, const View& view) {
  double most = SecondsOf(view.config->objectives.restorable_rpo);
  for (const config::SiteConfig& configured : view.config->sites) {
    if (configured.name == site.name && configured.drill.has_value())
      most = std::max(most, 2 * SecondsOf(configured.drill->LongestGap()));
  }
  return most;
}

void AddDrills(const SiteView& site, const View& view, std::vector<Trouble>& troubles) {
  if (!site.has_identity) return;  // it was configured so
  const WallTime since = site.newest_restorable.value_or(view.state_created);
  if (SecondsSince(since, view) <= RestorableAgeMax(site, view)) return;
  troubles.push_back(
      {site.newest_restorable.has_value()
           ? fmt::format("The newest restorable copy at the site {} is {} old.", site.name,
                         Age(SecondsSince(since, view)))
           : fmt::format("No copy at the site {} has passed a drill.", site.name),
       "Only a drill that fetches a copy from its site proves that copy. The log has the reason "
       "(msg=\"copy drill failed\"), or the site has no drill schedule."});
}

void AddContents(const SiteView& site, const View& view, std::vector<Trouble>& troubles) {
  const auto damaged = site.copies.find(SnapshotState::kDamaged);
  if (damaged != site.copies.end() && damaged->second > 0) {
    troubles.push_back(
        {fmt::format("Damaged copies at the site {}: {}.", site.name, damaged->second),
         "Check each one: etcdrill verify NAME --site SITE --config FILE"});
  }
  if (site.wants_lock && site.newest_proven.has_value() &&
      (!site.locked_until.has_value() || *site.locked_until <= view.now)) {
    troubles.push_back(
        {fmt::format("The newest proven copy at the site {} is not locked.", site.name),
         std::string(AdviceOn(Oddity::kLockMissing))});
  }
  AddDrills(site, view, troubles);
  AddFindings(site, troubles);
}

}  // namespace

SiteAnswer JudgeSite(const SiteView& site, const View& view) {
  const auto too_long_ago = [&](WallTime time) {
    return SecondsSince(time, view) > CopyAgeMax(view);
  };
  if (!site.listed.has_value()) {
    const bool is_lost = site.failing_since.has_value() && too_long_ago(*site.failing_since);
    return {is_lost ? Answer::kNo : Answer::kUnknown, "not listed yet"};
  }
  if (!site.newest_copy.has_value()) {
    if (AllCopies(site) > 0) return {Answer::kNo, "no usable copy"};
    return {too_long_ago(view.state_created) ? Answer::kNo : Answer::kUnknown, "no copy yet"};
  }
  if (IsFuture(*site.newest_copy, view.now)) {
    return {Answer::kNo, "age unknown: its time is in the future"};
  }
  return {too_long_ago(*site.newest_copy) ? Answer::kNo : Answer::kYes,
          fmt::format("{} old", Age(SecondsSince(*site.newest_copy, view)))};
}

std::optional<Question> JudgeSites(const View& view) {
  if (view.sites.empty()) return std::nullopt;
  Question q = {.answer = Answer::kYes,
                .more = fmt::format("limit {}: twice objectives.rpo", RoughTime(CopyAgeMax(view)))};
  std::string lacking;
  for (const SiteView& site : view.sites) {
    const SiteAnswer of_site = JudgeSite(site, view);
    AddPart(q.fact, fmt::format("{}: {}", site.name, of_site.fact));
    if (of_site.answer == Answer::kNo) AddPart(lacking, site.name);
    if (of_site.answer == Answer::kUnknown) q.answer = Answer::kUnknown;
  }
  if (!lacking.empty()) q.answer = Answer::kNo;
  q.if_no = fmt::format("no fresh copy at {}", lacking);
  return q;
}

std::vector<Trouble> TroublesOf(const SiteView& site, const View& view) {
  std::vector<Trouble> troubles;
  AddWork(site, view, troubles);
  if (site.listed.has_value()) AddContents(site, view, troubles);
  return troubles;
}

}  // namespace etcdrill::report
