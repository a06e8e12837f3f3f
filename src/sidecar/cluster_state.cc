// What was read stands until it is read anew: a store that is away for a moment does not make the
// sidecar forget when it took its last snapshot.
#include "sidecar/cluster_state.h"

#include <utility>
#include <vector>

#include "sites/plans.h"

namespace etcdrill::sidecar {
namespace {

// A site is read each five minutes.
constexpr Duration kCurrentFor = std::chrono::hours(1);

}  // namespace

Result<ClusterState::CatalogPtr> ClusterState::Read(const Context& context) {
  const std::lock_guard reading(reading_);  // or an older answer could replace a newer one
  const Result<CatalogPtr> read = follower_.Refresh(context);
  if (IsInterrupted(read.status())) return read;
  const WallTime created = store_.created();  // another store may come to lie there
  const std::lock_guard lock(mutex_);
  store_problem_ = MessageOf(read.status());
  if (!read.ok()) return read;
  state_created_ = created;
  read_.notify_all();
  return read;
}

Result<ClusterState::CatalogPtr> ClusterState::Refresh(const Context& run) {
  Result<CatalogPtr> read = Read(run);
  if (IsInterrupted(read.status())) return read;
  const std::string problem(MessageOf(read.status()));
  std::unique_lock lock(mutex_);
  const bool is_told = std::exchange(told_problem_, problem) == problem;
  lock.unlock();
  if (!read.ok() && !is_told) run.log.Error("store unreadable", {{"err", problem}});
  return read;
}

void ClusterState::FollowStore(const Context& run) {
  store_.WriteUnkept();
  std::unique_lock lock(mutex_);
  const bool is_readable = store_problem_.empty();
  read_.notify_all();  // a snapshot or a drill may have read what came, and tells nobody
  lock.unlock();
  if (is_readable && !follower_.MayHaveChanged(run)) return;
  Refresh(run).status().IgnoreError();  // it is told
}

bool ClusterState::WaitForSomething(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return read_.wait(lock, stop, [this] { return !Stored()->HoldsNone(); });
}

ClusterState::CatalogPtr ClusterState::Stored() const {
  static const auto nothing = std::make_shared<const catalog::Catalog>();
  CatalogPtr stored = follower_.Now();
  return stored != nullptr ? stored : nothing;
}

ClusterState::LastRuns ClusterState::Last() const {
  const CatalogPtr stored = Stored();
  const WallTime now = context_.clock.Now();
  LastRuns last;
  if (const catalog::CatalogEntry* newest = stored->Newest(now)) last.snapshot = newest->AsOf(now);
  last.drill = stored->LastDrill(now);
  return last;
}

std::optional<uint64_t> ClusterState::KnownCluster() const {
  return catalog::KnownCluster(Stored()->snapshots, cluster_);
}

void ClusterState::SetConfig(std::shared_ptr<const config::Config> config) {
  const std::lock_guard lock(mutex_);
  config_ = std::move(config);
  heads_ = {};
  for (auto& [name, site] : sites_) site.is_current = false;
}

void ClusterState::SetHealth(etcd::HealthRound round) {
  auto shared = std::make_shared<const etcd::HealthRound>(std::move(round));
  const std::lock_guard lock(mutex_);
  health_ = std::move(shared);
}

void ClusterState::SetMembersAgree(std::optional<bool> agree) {
  const std::lock_guard lock(mutex_);
  members_agree_ = agree;
}

void ClusterState::SetHeads(const std::shared_ptr<const config::Config>& by,
                            crosscheck::HeadHistory heads) {
  const std::lock_guard lock(mutex_);
  if (by == config_) heads_ = std::move(heads);
}

crosscheck::HeadHistory ClusterState::Heads() const {
  const std::lock_guard lock(mutex_);
  return heads_;
}

void ClusterState::SetSite(const report::SiteView& site, ContentsPtr contents) {
  const std::lock_guard lock(mutex_);
  SiteState& state = sites_[site.name];
  state.view = site;
  state.is_current = contents != nullptr;
  if (contents != nullptr) state.contents = std::move(contents);
  site_read_.notify_all();
}

ClusterState::ContentsPtr ClusterState::ContentsOf(const std::string& site) const {
  const std::lock_guard lock(mutex_);
  const auto at = sites_.find(site);
  return at != sites_.end() ? at->second.contents : nullptr;
}

void ClusterState::SetReadBack(const std::string& site, const std::string& copy, bool is_right) {
  const std::lock_guard lock(mutex_);
  if (is_right) {
    sites_[site].read_back.insert(copy);
  } else {
    sites_[site].read_back.erase(copy);
  }
}

std::set<std::string> ClusterState::ReadBack(const std::string& site) const {
  const std::lock_guard lock(mutex_);
  const auto at = sites_.find(site);
  return at != sites_.end() ? at->second.read_back : std::set<std::string>();
}

void ClusterState::AskForRound(const std::string& site) {
  const std::lock_guard lock(mutex_);
  sites_[site].is_asked_for = true;
}

bool ClusterState::IsRoundAskedFor(const std::string& site) const {
  const std::lock_guard lock(mutex_);
  const auto at = sites_.find(site);
  return at != sites_.end() && at->second.is_asked_for;
}

void ClusterState::RoundBegins(const std::string& site) {
  const std::lock_guard lock(mutex_);
  sites_[site].is_asked_for = false;
}

catalog::CopyState ClusterState::Copies() const {
  const CatalogPtr stored = Stored();
  std::unique_lock lock(mutex_);
  const std::shared_ptr<const config::Config> config = config_;
  std::vector<ContentsPtr> contents;  // as long as they are looked at
  std::vector<sites::KnownSite> known;
  const SiteState unknown;
  for (const config::SiteConfig& site : config->sites) {
    const auto at = sites_.find(site.name);
    const SiteState& state = at != sites_.end() ? at->second : unknown;
    contents.push_back(state.contents);
    const bool is_current =
        state.is_current && context_.clock.Now() - state.contents->read_at < kCurrentFor;
    known.push_back(
        {contents.back().get(), config->RetentionOf(site), is_current, state.read_back});
  }
  lock.unlock();
  return sites::CopyStateOf(*stored, known, config->keep_local, context_.clock.Now());
}

std::optional<WallTime> ClusterState::LastDrillOf(const std::string& site) const {
  const ContentsPtr contents = ContentsOf(site);
  return contents != nullptr ? contents->catalog.LastDrill(context_.clock.Now()) : std::nullopt;
}

ClusterState::ContentsPtr ClusterState::WaitForCopy(const std::string& site,
                                                    const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto has_copy = [&] {
    const ContentsPtr& contents = sites_[site].contents;
    return contents != nullptr && contents->catalog.Newest(context_.clock.Now()) != nullptr;
  };
  return site_read_.wait(lock, stop, has_copy) ? sites_[site].contents : nullptr;
}

report::View ClusterState::View() const {
  const WallTime now = context_.clock.Now();
  const std::lock_guard lock(mutex_);
  report::View view;
  view.now = now;
  view.config = config_;
  view.catalog = follower_.Now();
  view.store_problem = store_problem_;
  view.state_created = state_created_;
  view.health = health_;
  view.members_agree = members_agree_;
  for (const config::SiteConfig& site : config_->sites) {
    if (const auto at = sites_.find(site.name); at != sites_.end())
      view.sites.push_back(at->second.view);
  }
  return view;
}

}  // namespace etcdrill::sidecar
