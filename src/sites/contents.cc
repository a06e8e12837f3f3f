#include "sites/contents.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "sites/judge_copies.h"
#include "sites/lock_watch.h"
#include "sites/site_reader.h"
#include "sites/versions.h"

namespace etcdrill::sites {

std::map<std::string_view, const catalog::CatalogEntry*> Contents::UsableCopies() const {
  std::map<std::string_view, const catalog::CatalogEntry*> usable;
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const auto record = records.find(entry.manifest.name);
    if (entry.IsUsable() && record != records.end()) usable[record->second.manifest.name] = &entry;
  }
  return usable;
}

struct SiteFollower::State {
  State(objects::ObjectStore& s, std::string c)
      : site(s), cluster(std::move(c)), reader(s), locks(s) {}

  // Of the last listing, and of the last look at versions and locks; each once.
  std::vector<SiteFinding> AllFindings() const;
  std::shared_ptr<const Contents> Publish(Contents contents);

  objects::ObjectStore& site;
  const std::string cluster;
  std::mutex refreshing;
  // Guarded by refreshing.
  SiteReader reader;
  LockWatch locks;
  bool has_read = false;                 // a Refresh has succeeded
  std::vector<SiteFinding> of_listing;   // what the last one found
  std::vector<SiteFinding> of_versions;  // what the last look at versions found

  std::mutex mutex;
  std::shared_ptr<const Contents> now;  // guarded by mutex
};

std::vector<SiteFinding> SiteFollower::State::AllFindings() const {
  std::vector<SiteFinding> findings = of_listing;
  for (const auto& more : {of_versions, locks.Findings()}) {
    std::ranges::copy_if(more, std::back_inserter(findings), [this](const SiteFinding& finding) {
      return !IsCopyOfOthers(finding.copy, cluster);
    });
  }
  const auto what = [](const SiteFinding& f) { return std::tuple(f.key, f.oddity); };
  std::ranges::stable_sort(findings, {}, what);
  const auto same = [&](const SiteFinding& a, const SiteFinding& b) { return what(a) == what(b); };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
  return findings;
}

std::shared_ptr<const Contents> SiteFollower::State::Publish(Contents contents) {
  contents.findings = AllFindings();
  auto published = std::make_shared<const Contents>(std::move(contents));
  const std::lock_guard lock(mutex);
  now = published;
  return published;
}

SiteFollower::SiteFollower(objects::ObjectStore& site, std::string cluster)
    : state_(std::make_unique<State>(site, std::move(cluster))) {}

SiteFollower::~SiteFollower() = default;

Result<std::shared_ptr<const Contents>> SiteFollower::Refresh(
    const Context& context, const std::vector<VerifyingKey>& known) {
  const std::lock_guard one_by_one(state_->refreshing);
  RETURN_IF_ERROR(state_->reader.ReadNew(context, known));
  if (state_->has_read) RETURN_IF_ERROR(state_->reader.CheckBytes(context));
  Contents contents = JudgeCopies(state_->reader.state(), state_->cluster, context.clock.Now());
  state_->has_read = true;
  state_->of_listing = std::move(contents.findings);
  return state_->Publish(std::move(contents));
}

Status SiteFollower::LookAtVersions(const Context& context) {
  const std::lock_guard one_by_one(state_->refreshing);
  const std::shared_ptr<const Contents> last = Now();
  if (last == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(VersionsSeen seen, LookForVersions(state_->site, state_->reader.state()));
  state_->of_versions = std::move(seen.findings);
  for (const auto& [copy, first] : seen.first_manifests)
    RETURN_IF_ERROR(state_->reader.Pin(context, copy, first));
  const Status locks = state_->locks.Look(context, state_->reader.state());
  state_->Publish(*last);
  return locks;
}

Status SiteFollower::LookAtLocks(const Context& context) {
  const std::lock_guard one_by_one(state_->refreshing);
  const std::shared_ptr<const Contents> last = Now();
  if (last == nullptr) return OkStatus();
  const Status looked = state_->locks.Look(context, state_->reader.state());
  state_->Publish(*last);
  return looked;
}

std::shared_ptr<const Contents> SiteFollower::Now() const {
  const std::lock_guard lock(state_->mutex);
  return state_->now;
}

}  // namespace etcdrill::sites
