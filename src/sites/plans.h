// What is to be done at a site: which snapshots are copied to it, which copies may go, which locks
// are extended. Pure functions of what the store and the site hold, the rules and the time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/retention.h"
#include "config/config.h"
#include "sites/contents.h"

namespace etcdrill::sites {

// Snapshots of the store that the site lacks, and whose copies its retention would keep; the oldest
// first, so that a site that was away catches up in order. Left out: what is damaged, unreadable or
// unproven, unless it is adopted and only not provable. They are of `store`, which must outlive
// them.
std::vector<const catalog::CatalogEntry*> PlanCopies(const catalog::Catalog& store,
                                                     const Contents& site,
                                                     const config::Retention& rules, WallTime now);

struct CopyDecision {
  const CopyRecord* copy = nullptr;
  catalog::Fate fate = catalog::Fate::kCounted;
  std::string which = {};  // of the numbers
};
// One for each copy, of `site`, which must outlive it. A copy under a lock stays until it ends.
std::vector<CopyDecision> PlanSiteRetention(const Contents& site, const config::Retention& rules,
                                            WallTime now);

struct LockExtension {
  const CopyRecord* copy = nullptr;
  WallTime until{};
};
// What must not go (the newest proven copy and newer ones, the newest that passed a drill) is kept
// locked for `keep` from now on, each time half of that is over.
std::vector<LockExtension> PlanLocks(const Contents& site, const config::Retention& rules,
                                     const config::SiteLock& lock, WallTime now);

}  // namespace etcdrill::sites
