// Which snapshots of a store may go. A pure function of what the store holds, what its sites hold,
// the rules and the time; whoever deletes is store/local_store. What it never takes: the newest
// proven snapshot and anything newer than it, the newest that passed a drill, and anything whose
// date lies in the future, which tells of a clock that was wrong and not of a newer backup. The
// decisions behind it: docs/dev/adr/0012-retention.md.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/names.h"
#include "catalog/catalog.h"
#include "config/config.h"

namespace etcdrill::catalog {

enum class Fate {
  // Stays, because
  kNewest,      // it is the newest proven one, or newer
  kDrilled,     // it is the newest that passed a drill
  kFuture,      // its date lies in the future
  kHistory,     // it is of another history, and not older than all others that stay
  kCounted,     // it is one of the numbers
  kUnlimited,   // no numbers are given
  kUnreadable,  // its file is out of reach right now, which says nothing of its bytes
  kQuarantine,  // it is damaged or unproven, and somebody may want to look at it
  kUncopied,    // a site has yet to get it
  kLocked,      // the site where it lies keeps it locked
  // Goes, because
  kSurplus,  // it is none of the numbers
  kTooBig,   // all together are larger than they may be
  kExpired,  // its time in quarantine is over, or it is the first part of what came whole later
  kCopied,   // every site has it, and the store keeps no more than store.keep_local
};
inline constexpr Fate kFirstThatGoes = Fate::kSurplus;

inline bool Goes(Fate fate) { return fate >= kFirstThatGoes; }

struct RetentionDecision {
  const CatalogEntry* snapshot = nullptr;
  Fate fate = Fate::kCounted;
  std::string which = {};  // of the numbers: "last", "hourly", "daily", "weekly"
};

// How far the snapshots of a store have come to its sites (sites::CopyStateOf).
struct CopyState {
  std::set<std::string> waiting;     // names that a site has yet to get: only the size takes them
  std::set<std::string> everywhere;  // names that every site has, usable, which would keep them
  std::optional<uint64_t> keep;      // so many of the newest of those stay; none: as many as the
                                     // numbers say
};

// One for each snapshot, in the order of the catalogue, which must outlive it.
std::vector<RetentionDecision> PlanRetention(const Catalog& catalog, const config::Retention& rules,
                                             WallTime now, const CopyState& copies = {});

}  // namespace etcdrill::catalog

// Those that go are also the labels of the metric.
template <>
inline constexpr auto etcdrill::kNames<etcdrill::catalog::Fate> = etcdrill::Names(
    "newest", "drilled", "future", "other_history", "counted", "unlimited", "unreadable",
    "quarantine", "uncopied", "locked", "surplus", "size", "expired", "copied");
