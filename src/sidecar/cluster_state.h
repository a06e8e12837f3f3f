// What the sidecar knows of one cluster: its store as read last, what the members said, what was
// found since. The tasks share it; whoever scrapes or looks sees it as it is then.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/follower.h"
#include "catalog/retention.h"
#include "config/config.h"
#include "crosscheck/head_history.h"
#include "io/context.h"
#include "report/view.h"
#include "sites/contents.h"
#include "store/local_store.h"

namespace etcdrill::sidecar {

// Safe for use from any thread. Nothing but Read, Refresh and FollowStore waits for the disk.
class ClusterState {
 public:
  using CatalogPtr = std::shared_ptr<const catalog::Catalog>;
  struct LastRuns {
    std::optional<WallTime> snapshot;
    std::optional<WallTime> drill;
  };

  // `cluster` is its name. Both references must outlive it.
  ClusterState(const Context& context, store::LocalStore& store, std::string cluster)
      : context_(context),
        store_(store),
        cluster_(std::move(cluster)),
        follower_(store, cluster_) {}

  const std::string& cluster() const [[clang::lifetimebound]] { return cluster_; }
  store::LocalStore& store() { return store_; }
  catalog::Follower& follower() { return follower_; }

  // Reads what has changed in the store; for who tells of an error itself.
  Result<CatalogPtr> Read(const Context& context);
  // The same, with a line in the log when it begins to fail; for whoever changed something.
  Result<CatalogPtr> Refresh(const Context& run);
  // The same if something may have changed, after trying again to write what the disk refused; for
  // who looks now and then.
  void FollowStore(const Context& run);
  // Waits until the store holds something; false if `stop` comes first.
  bool WaitForSomething(const std::stop_token& stop);

  // As the store was read last; empty before that.
  CatalogPtr Stored() const;
  LastRuns Last() const;
  std::optional<uint64_t> KnownCluster() const;  // that the stored snapshots are of

  // What the configuration before saw of the source is forgotten: it may have been another one.
  void SetConfig(std::shared_ptr<const config::Config> config);
  void SetHealth(etcd::HealthRound round);
  void SetMembersAgree(std::optional<bool> agree);  // report::View::members_agree
  // Nothing happens if another configuration is in force now.
  void SetHeads(const std::shared_ptr<const config::Config>& by, crosscheck::HeadHistory heads);
  crosscheck::HeadHistory Heads() const;  // of the source

  // What is known of a site, by its task. Null: it could not be read.
  using ContentsPtr = std::shared_ptr<const sites::Contents>;
  void SetSite(const report::SiteView& site, ContentsPtr contents);
  // Null: not known.
  ContentsPtr ContentsOf(const std::string& site) const;
  // How far the stored snapshots have come to the sites of the configuration in force.
  catalog::CopyState Copies() const;
  // The bytes of a copy were read at the site: whether they are right.
  void SetReadBack(const std::string& site, const std::string& copy, bool is_right);
  std::set<std::string> ReadBack(const std::string& site) const;
  // Somebody wrote to the site, and it should be read again soon.
  void AskForRound(const std::string& site);
  bool IsRoundAskedFor(const std::string& site) const;
  void RoundBegins(const std::string& site);
  std::optional<WallTime> LastDrillOf(const std::string& site) const;
  // Waits until the site holds a copy that can be drilled; null if `stop` comes first.
  ContentsPtr WaitForCopy(const std::string& site, const std::stop_token& stop);

  report::View View() const;
  // By what was compared last.
  bool MembersDisagree() const { return report::MembersAgree(View()) == false; }

 private:
  const Context& context_;
  store::LocalStore& store_;
  const std::string cluster_;
  catalog::Follower follower_;

  std::mutex reading_;  // held while the store is read and told of; taken before mutex_
  mutable std::mutex mutex_;
  std::condition_variable_any read_;
  // Guarded by mutex_.
  std::string store_problem_ = "the store has not been read yet";
  std::string told_problem_;  // in the log
  WallTime state_created_{};
  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const etcd::HealthRound> health_;
  std::optional<bool> members_agree_;
  crosscheck::HeadHistory heads_;
  struct SiteState {
    report::SiteView view;
    ContentsPtr contents;             // as the site could be read last
    std::set<std::string> read_back;  // copies
    bool is_asked_for = false;
    bool is_current = false;  // that was the last time that it was tried, by the configuration in
                              // force
  };
  std::map<std::string, SiteState> sites_;  // by name
  std::condition_variable_any site_read_;
};

}  // namespace etcdrill::sidecar
