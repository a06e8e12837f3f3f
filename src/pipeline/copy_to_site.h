// Story: a site gets what it lacks, the oldest first, and loses what no rule keeps. It goes from
// what lies there to what should, so a site that was away for a day is caught up with by the same
// steps as one that lacks the last snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "catalog/follower.h"
#include "catalog/retention.h"
#include "config/config.h"
#include "io/context.h"
#include "sites/contents.h"
#include "sites/copy_record.h"
#include "sites/seal_copy.h"
#include "sites/site.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

// What is known of a site from one round to the next. Not thread-safe; `site` must outlive it.
struct SiteMemory {
  SiteMemory(sites::Site& s, const std::string& cluster) : follower(s.objects(), cluster) {}

  sites::SiteFollower follower;
  std::set<std::string> reports;                      // drill reports of ours that lie there
  bool knows_reports = false;                         // the site was asked for them
  std::map<std::string, WallTime> locked_until = {};  // copies whose lock we extended
  // When it was last done.
  std::optional<WallTime> told_refused = {};  // that it deletes nothing
  std::optional<WallTime> swept = {};
  std::optional<WallTime> looked_at_versions = {};
};

struct CopyToSiteRequest {
  catalog::Follower& catalog;  // of the store, for its cluster
  store::LocalStore& store;
  sites::Site& site;
  SiteMemory& memory;
  config::Retention rules;                     // of the site
  std::stop_token retired{};                   // ends it between two copies
  std::vector<std::string> sites_before = {};  // names of those before it in the configuration
  // Called each time that the site was read; `missing` is what it lacks.
  using Contents = std::shared_ptr<const sites::Contents>;
  using Missing = std::vector<const catalog::CatalogEntry*>;
  std::function<void(const Contents& contents, const Missing& missing)> on_read =
      [](const Contents&, const Missing&) {};
  // Called after each: a copy that was sealed, one that was deleted.
  std::function<void(const sites::CopyRecord&)> on_copied = [](const sites::CopyRecord&) {};
  std::function<void(const sites::CopyRecord&, catalog::Fate)> on_deleted =
      [](const sites::CopyRecord&, catalog::Fate) {};
};

struct CopyToSiteOutcome {
  // What the site holds in the end; null if it could not be read, then `outcome` says why.
  std::shared_ptr<const sites::Contents> contents;
  uint64_t waiting = 0;  // snapshots that the site still lacks
  // The first error, after which the rest was tried all the same as far as it made sense. A copy
  // that the site refuses to give up, by a lock that we do not know of, is none.
  Status outcome;
};

// After an error each copy at the site is whole, or is none (sites/seal_copy.h); the next round
// goes on from there. kInterrupted if a stop came, or another configuration. A long backlog takes
// several rounds.
CopyToSiteOutcome CopyToSite(const Context& context, const CopyToSiteRequest& request);

// The id of the place that the site is now; empty where there is none yet, or we may not look at
// it. kBucketMissing if the site was another place when it was copied to before: below the mount
// point of a disk that is not mounted lies a directory, too. kConfig if it is the place of one of
// `sites_before`.
Result<std::string> RecognizeSite(const store::LocalStore& store, sites::Site& site,
                                  const std::vector<std::string>& sites_before);

// How the file at `path`, which is that of the manifest, goes to a site. Errors of its key files.
Result<sites::SealCopyRequest> SealRequestFor(const sites::Site& site,
                                              const store::LocalStore& store,
                                              const Manifest& manifest, const std::string& path,
                                              WallTime now);

}  // namespace etcdrill::pipeline
