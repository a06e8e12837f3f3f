// Numbers first, then what the sites have, then the size, so that a small disk takes from what the
// numbers would keep and never the other way.
#include "catalog/retention.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

namespace etcdrill::catalog {
namespace {

using Decisions = std::vector<RetentionDecision>;

// One from the future, or of another history, takes nobody's place.
bool IsOrdinary(const RetentionDecision& d) {
  return d.fate != Fate::kFuture && d.snapshot->Counts();
}

// Keeps the newest proven snapshot of each of the `number` newest periods that have one. The order
// is that of sealing, so a clock that was behind at some boots makes a period come again: it counts
// once.
void Count(Decisions& decisions, uint64_t number, const char* which,
           const std::function<int64_t(WallTime)>& period_of) {
  std::set<int64_t> seen;
  for (auto d = decisions.rbegin(); d != decisions.rend() && number > 0; ++d) {
    if (!IsOrdinary(*d) || !d->snapshot->IsProven()) continue;
    if (!seen.insert(period_of(d->snapshot->manifest.taken)).second) continue;
    --number;
    if (d->fate == Fate::kSurplus) {
      d->fate = Fate::kCounted;
      d->which = which;
    }
  }
}

template <typename Period>
int64_t NumberOf(WallTime time) {
  return std::chrono::floor<Period>(time.time_since_epoch()).count();
}

// 1970 began on a Thursday; weeks begin on Monday.
int64_t WeekOf(WallTime time) { return NumberOf<std::chrono::weeks>(time + std::chrono::days(3)); }

// The fate that does not depend on how many there are.
Fate FirstFate(const CatalogEntry& entry, const config::Retention& rules, WallTime now) {
  if (IsFuture(entry.manifest.taken, now)) return Fate::kFuture;
  if (!entry.Counts()) {
    const bool old = rules.counts() && now - entry.manifest.taken > rules.quarantine;
    return old ? Fate::kExpired : Fate::kHistory;
  }
  if (entry.state == SnapshotState::kUnreadable) return Fate::kUnreadable;
  if (entry.IsProven()) return rules.counts() ? Fate::kSurplus : Fate::kUnlimited;
  // Damage of which there is no record was found just now.
  const WallTime found = entry.state == SnapshotState::kDamaged ? entry.damaged_since.value_or(now)
                                                                : entry.manifest.taken;
  return now - found > rules.quarantine ? Fate::kExpired : Fate::kQuarantine;
}

// A copy into a folder of others that stood still for longer than `store.adopt_quiet` was taken for
// complete, and was whole later: nothing could be read of its first part, nobody will look at it.
bool IsFirstPart(const CatalogEntry& part, const Catalog& catalog) {
  const Manifest& m = part.manifest;
  const bool was_readable = m.revision > 0;
  if (!m.adopted.has_value() || was_readable) return false;
  return std::ranges::any_of(catalog.snapshots, [&m](const CatalogEntry& other) {
    const std::optional<AdoptedRecord>& whole = other.manifest.adopted;
    return whole.has_value() && other.Counts() && other.IsProven() &&
           other.manifest.place > m.place && whole->path == m.adopted->path &&
           whole->size_bytes > m.adopted->size_bytes;
  });
}

void ProtectNewest(Decisions& decisions) {
  const auto is_newest_drilled = [](const RetentionDecision& d) {
    return IsOrdinary(d) && d.snapshot->state == SnapshotState::kRestorable;
  };
  const auto drilled = std::find_if(decisions.rbegin(), decisions.rend(), is_newest_drilled);
  if (drilled != decisions.rend()) drilled->fate = Fate::kDrilled;
  bool proven = false;
  for (auto d = decisions.rbegin(); d != decisions.rend() && !proven; ++d) {
    if (!IsOrdinary(*d)) continue;
    proven = d->snapshot->IsProven();
    d->fate = Fate::kNewest;
  }
}

// One of another history stays at least as long as an older one of ours.
void KeepAmongOthers(Decisions& decisions) {
  bool older_stays = false;
  for (RetentionDecision& d : decisions) {
    if (IsOrdinary(d)) {
      older_stays |= d.snapshot->IsProven() && !Goes(d.fate);
    } else if (d.fate == Fate::kExpired && older_stays) {
      d.fate = Fate::kHistory;
    }
  }
}

bool Waits(const RetentionDecision& d, const CopyState& copies) {
  return copies.waiting.contains(d.snapshot->manifest.name);
}

// What a site has yet to get may be nowhere else. Damaged bytes are copied to no site, so nobody
// waits for them.
void KeepUncopied(Decisions& decisions, const CopyState& copies) {
  for (RetentionDecision& d : decisions) {
    if (Goes(d.fate) && d.snapshot->IsUsable() && Waits(d, copies)) d.fate = Fate::kUncopied;
  }
}

// Takes only what the numbers keep. All else that stays does so for a reason that copies elsewhere
// don't answer: the lineage of the next snapshot is read from the newest file here, a drill proves
// the file here, and what is damaged or out of reach here is here for somebody to look at.
void LimitCopied(Decisions& decisions, const CopyState& copies) {
  if (!copies.keep.has_value()) return;
  uint64_t left = *copies.keep;
  for (auto d = decisions.rbegin(); d != decisions.rend(); ++d) {
    const bool is_copied = copies.everywhere.contains(d->snapshot->manifest.name);
    if (!is_copied || Waits(*d, copies) || Goes(d->fate)) continue;
    if (!IsOrdinary(*d) || !d->snapshot->IsProven()) continue;
    if (left > 0) {
      --left;
    } else if (d->fate == Fate::kCounted || d->fate == Fate::kUnlimited) {
      d->fate = Fate::kCopied;
      d->which.clear();
    }
  }
}

// In what order the size takes them. The last ones may be nowhere else.
enum class Turn { kUnproven, kNumbered, kUncopied, kNever };

Turn TurnOf(const RetentionDecision& d, const CopyState& copies) {
  switch (d.fate) {
    case Fate::kQuarantine:
    case Fate::kHistory:
      return d.snapshot->IsUsable() && Waits(d, copies) ? Turn::kUncopied : Turn::kUnproven;
    case Fate::kCounted:
    case Fate::kUnlimited:
      return Waits(d, copies) ? Turn::kUncopied : Turn::kNumbered;
    case Fate::kUncopied:
      return Turn::kUncopied;
    case Fate::kNewest:
    case Fate::kDrilled:
    case Fate::kFuture:
    case Fate::kUnreadable:
    case Fate::kLocked:
    case Fate::kSurplus:
    case Fate::kTooBig:
    case Fate::kExpired:
    case Fate::kCopied:
      break;
  }
  return Turn::kNever;
}

// Takes away until the rest is small enough, the oldest of each turn first.
void LimitSize(Decisions& decisions, const CopyState& copies, uint64_t size_max) {
  uint64_t size = 0;
  for (const RetentionDecision& d : decisions)
    size += Goes(d.fate) ? 0 : d.snapshot->manifest.size_bytes;
  for (const Turn turn : {Turn::kUnproven, Turn::kNumbered, Turn::kUncopied}) {
    for (RetentionDecision& d : decisions) {
      if (size <= size_max) return;
      if (TurnOf(d, copies) != turn) continue;
      size -= d.snapshot->manifest.size_bytes;
      d.fate = Fate::kTooBig;
      d.which.clear();
    }
  }
}

}  // namespace

std::vector<RetentionDecision> PlanRetention(const Catalog& catalog, const config::Retention& rules,
                                             WallTime now, const CopyState& copies) {
  Decisions decisions;
  for (const CatalogEntry& entry : catalog.snapshots) {
    const Fate fate = FirstFate(entry, rules, now);
    const bool is_over = fate == Fate::kQuarantine && IsFirstPart(entry, catalog);
    decisions.push_back({&entry, is_over ? Fate::kExpired : fate});
  }
  ProtectNewest(decisions);
  int64_t number = 0;
  Count(decisions, rules.last, "last", [&](WallTime) { return ++number; });
  Count(decisions, rules.hourly, "hourly", NumberOf<std::chrono::hours>);
  Count(decisions, rules.daily, "daily", NumberOf<std::chrono::days>);
  Count(decisions, rules.weekly, "weekly", WeekOf);
  KeepUncopied(decisions, copies);
  LimitCopied(decisions, copies);
  KeepAmongOthers(decisions);
  if (rules.total_size.has_value()) LimitSize(decisions, copies, *rules.total_size);
  return decisions;
}

}  // namespace etcdrill::catalog
