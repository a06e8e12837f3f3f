// What is to be done at a site: which snapshots are copied to it, which copies may go, which locks
// are extended. Pure functions of what the store and the site hold, the rules and the time.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/retention.h"
#include "config/config.h"
#include "sites/contents.h"

namespace etcdrill::sites {

// Snapshots of the store that the site lacks, and whose copies its retention would keep; the oldest
// first, so that a site that was away catches up in order. They are of `store`, which must outlive
// them.
//
// A copy that is not usable there is none: its snapshot is copied again. But where the site only
// tells another etag than when it was sealed, a hash decides first: a site that encrypts its
// objects anew would get all of them twice. Left out is what is damaged, unreadable or of another
// history here; what is unproven, unless it is adopted and only not provable; and what a drill at
// the site found wrong in its content, as the same bytes would be wrong again. A date in the future
// is no reason: the bytes are those of a backup.
std::vector<const catalog::CatalogEntry*> PlanCopies(const catalog::Catalog& store,
                                                     const Contents& site,
                                                     const config::Retention& rules, WallTime now);

// A site, as far as it is known.
struct KnownSite {
  const Contents* contents = nullptr;  // null, or its bytes not looked at: it was never read
  config::Retention rules;
  // The contents are of a round that succeeded lately, by the configuration in force.
  bool is_current = false;
  // Copies whose bytes this process has read there, and found right. Not what records at the site
  // say: whoever may write there can write those.
  std::set<std::string> read_back = {};
};
// What the retention of the store must know of its sites. Waiting is what PlanCopies gives for any
// of them, and what it holds back until a hash decides, also by contents that are old; for one that
// was never read, as if it were empty and had room. So a site that is away holds back at most what
// its own numbers keep, however long that lasts; where it has no numbers, it holds back all.
//
// Everywhere is what each site has, usable; a site whose numbers would not keep it is not asked, as
// long as another one has it. At least one copy must have been read back from its site, by a hash
// or a drill: bytes that nobody ever read are no reason to delete the local ones. Unless each site
// is known, current and not in doubt (Contents::in_doubt), nothing is everywhere.
catalog::CopyState CopyStateOf(const catalog::Catalog& store, std::span<const KnownSite> sites,
                               std::optional<uint64_t> keep_local, WallTime now);

struct CopyDecision {
  const CopyRecord* copy = nullptr;
  catalog::Fate fate = catalog::Fate::kCounted;
  std::string which = {};  // of the numbers
  // It goes because its bytes were once found wrong, which a way or a proxy may have done. Whoever
  // deletes it hashes it first (HashCopy), and keeps it unless that finds it damaged.
  bool hash_first = false;
};
// One for each copy, of `site`, which must outlive it; in the order of sealing. A copy under a lock
// stays until that ends. Of several copies of the same bytes one counts, a restorable one if there
// is one, and the others are surplus. A manifest whose bytes are gone goes when it is older than
// the quarantine, if a usable copy of the same bytes is there, or the rules would not keep it
// anyway. `rules.total_size` counts copies as they lie there, without those that only a lock keeps.
std::vector<CopyDecision> PlanSiteRetention(const Contents& site, const config::Retention& rules,
                                            WallTime now);

struct LockExtension {
  const CopyRecord* copy = nullptr;
  WallTime until{};
};
// What must not go (the newest proven copy and newer ones, the newest that passed a drill) is kept
// locked for `keep` from now on, each time half of that is over. Left out is what is unreadable:
// nobody knows what lies there.
//
// A compliance lock can't be taken back, so `now` should be the site's time and not that of a clock
// that may lie.
std::vector<LockExtension> PlanLocks(const Contents& site, const config::Retention& rules,
                                     const config::SiteLock& lock, WallTime now);

}  // namespace etcdrill::sites
