// All three plans ask catalog::PlanRetention about one list: the copies that are there, each as
// large as it lies there, and what would be copied. So what is copied today is not what retention
// deletes tomorrow.
#include "sites/plans.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "sites/order.h"

namespace etcdrill::sites {
namespace {

using catalog::CatalogEntry;
using catalog::Fate;

// One line of the list.
struct Planned {
  const CatalogEntry* entry = nullptr;  // of the site, or of the store
  const CopyRecord* copy = nullptr;     // null: the site lacks it
  Fate fate = Fate::kSurplus;
  std::string which = {};
};

// Two stores may each have a snapshot of the same name, and each of them has a right to its copy.
using Bytes = std::pair<std::string_view, std::string_view>;  // NAME, SHA-256
Bytes BytesOf(const Manifest& manifest) { return {manifest.name, manifest.sha256}; }

std::vector<Planned> CopiesAt(const Contents& site) {
  std::vector<Planned> copies;
  for (const CatalogEntry& entry : site.catalog.snapshots) {
    const auto record = site.records.find(entry.manifest.name);
    if (record != site.records.end()) copies.push_back({&entry, &record->second});
  }
  return copies;
}

// A restorable one; else the one that stays longest anyway.
bool IsBetter(const Planned& a, const Planned& b) {
  const auto worth = [](const Planned& p) {
    return std::tuple(p.entry->state == SnapshotState::kRestorable,
                      p.copy->lock.has_value() ? p.copy->lock->until : WallTime::min());
  };
  return worth(a) > worth(b);
}

// Of each snapshot that has a usable copy the best one.
std::map<Bytes, const Planned*> BestOf(const std::vector<Planned>& list) {
  std::map<Bytes, const Planned*> best;
  for (const Planned& p : list) {
    if (p.copy == nullptr || !p.entry->IsUsable()) continue;
    const Planned*& kept = best[BytesOf(p.copy->manifest)];
    if (kept == nullptr || IsBetter(p, *kept)) kept = &p;
  }
  return best;
}

// zstd and age make what can't be compressed larger: by less than a thousandth, and the header.
uint64_t PackedAtMost(uint64_t size) { return size + size / 1000 + 4096; }

// As it is at the site, or would be: nobody has drilled or hashed a copy that is not there yet, and
// its size is not known before it is packed. A guess that is too large copies less for now; one
// that is too small would copy what then has to go.
CatalogEntry AtSite(const Planned& planned) {
  if (planned.copy != nullptr) {
    CatalogEntry entry = *planned.entry;
    entry.manifest.size_bytes = planned.copy->size_bytes;
    return entry;
  }
  CatalogEntry entry;
  entry.manifest = planned.entry->manifest;
  entry.manifest.size_bytes = PackedAtMost(entry.manifest.size_bytes);
  return entry;
}

// Asks the rules. A further copy of the same bytes takes nobody's place.
void Judge(std::vector<Planned>& list, const config::Retention& rules, WallTime now) {
  const std::map<Bytes, const Planned*> best = BestOf(list);
  catalog::Catalog catalog;
  std::vector<Planned*> asked;
  for (Planned& p : list) {
    const bool counts =
        p.copy == nullptr || !p.entry->IsUsable() || best.at(BytesOf(p.copy->manifest)) == &p;
    if (!counts) continue;
    catalog.snapshots.push_back(AtSite(p));
    asked.push_back(&p);
  }
  const auto decisions = catalog::PlanRetention(catalog, rules, now);
  for (size_t i = 0; i < asked.size(); ++i) {
    asked[i]->fate = decisions[i].fate;
    asked[i]->which = decisions[i].which;
  }
}

// `ours`: the writers that copy from the same store as what is missing.
std::vector<Planned> InOrder(const std::vector<Planned>& list,
                             const std::set<std::string_view>& ours, WallTime now) {
  std::vector<Sealed> sealed;
  for (const Planned& p : list) {
    const bool is_ours = p.copy == nullptr || ours.contains(p.copy->writer);
    const Manifest& manifest = p.copy == nullptr ? p.entry->manifest : p.copy->manifest;
    sealed.push_back({&manifest, is_ours ? std::string_view() : p.copy->writer});
  }
  std::vector<Planned> ordered;
  for (const size_t i : OrderOfSealing(sealed, now)) ordered.push_back(list[i]);
  return ordered;
}

bool HasFinding(const Contents& site, const std::string& copy, Oddity oddity) {
  return std::ranges::any_of(site.findings, [&](const SiteFinding& finding) {
    return finding.oddity == oddity && finding.copy == copy;
  });
}

// The bytes were asked for by name and are gone.
bool IsGone(const Contents& site, const Planned& p) {
  return p.entry->state == SnapshotState::kUnreadable &&
         HasFinding(site, p.copy->copy, Oddity::kVanished) &&
         !HasFinding(site, p.copy->copy, Oddity::kUntrusted);
}

// A manifest without bytes tells of a loss. Nobody needs to hear of it any more once there is
// another copy, or once the rules would have deleted this one. Nobody knows since when the bytes
// are gone, so the age of the snapshot counts.
void DropLongGone(std::vector<Planned>& list, const Contents& site, const config::Retention& rules,
                  WallTime now) {
  std::deque<CatalogEntry> as_if_there;
  std::vector<Planned> judged = list;
  for (Planned& p : judged) {
    if (!IsGone(site, p)) continue;
    as_if_there.push_back(*p.entry);
    as_if_there.back().state = SnapshotState::kUntested;
    p.entry = &as_if_there.back();
    p.fate = Fate::kSurplus;
  }
  if (as_if_there.empty()) return;
  Judge(judged, rules, now);
  const std::map<Bytes, const Planned*> there = BestOf(list);
  for (size_t i = 0; i < list.size(); ++i) {
    const Manifest& manifest = list[i].copy->manifest;
    const bool is_gone = judged[i].entry != list[i].entry;
    const bool is_old = now - manifest.taken > rules.quarantine;
    const bool is_missed = !there.contains(BytesOf(manifest)) && !Goes(judged[i].fate);
    if (list[i].fate == Fate::kUnreadable && is_gone && is_old && !is_missed)
      list[i].fate = Fate::kExpired;
  }
}

std::vector<Planned> PlanOfCopies(const Contents& site, const config::Retention& rules,
                                  WallTime now) {
  std::vector<Planned> list = InOrder(CopiesAt(site), {}, now);
  Judge(list, rules, now);
  DropLongGone(list, site, rules, now);
  for (Planned& p : list) {
    const bool is_locked = p.copy->lock.has_value() && p.copy->lock->until > now;
    if (Goes(p.fate) && is_locked) p.fate = Fate::kLocked;
  }
  return list;
}

// What is of another history stays out: nobody could delete it from under a lock, and it is no
// backup of this cluster.
bool IsWorthCopying(const CatalogEntry& entry) {
  return entry.IsUsable() && entry.Counts() &&
         (entry.IsProven() || entry.manifest.adopted.has_value());
}

// Its bytes are those of the snapshot, and what they say is wrong.
bool HasWrongContent(const CatalogEntry& entry) {
  return entry.state == SnapshotState::kDamaged && entry.damaging_drill.has_value() &&
         entry.damaging_drill->ReadStoredBytes();
}

// The site tells another etag at the same size, which says nothing of the bytes.
bool WaitsForHash(const Contents& site, const Planned& p) {
  return p.entry->state == SnapshotState::kUnreadable &&
         HasFinding(site, p.copy->copy, Oddity::kOverwritten) &&
         !HasFinding(site, p.copy->copy, Oddity::kUntrusted);
}

// The copies that are there, in order, with what the site lacks of the store.
struct Union {
  std::vector<Planned> list;
  std::set<std::string_view> ours;  // who copies from this store
};

// Whoever copied a snapshot that stands at the same place here copied it from this store.
Union WithMissing(const catalog::Catalog& store, const Contents& site) {
  Union all{CopiesAt(site), {}};
  std::map<Bytes, uint64_t> places;
  for (const CatalogEntry& entry : store.snapshots)
    places[BytesOf(entry.manifest)] = entry.manifest.place;
  std::set<Bytes> settled;
  for (const Planned& p : all.list) {
    const Manifest& manifest = p.copy->manifest;
    const auto place = places.find(BytesOf(manifest));
    if (place != places.end() && place->second == manifest.place) all.ours.insert(p.copy->writer);
    if (p.entry->IsUsable() || HasWrongContent(*p.entry)) settled.insert(BytesOf(manifest));
  }
  for (const CatalogEntry& entry : store.snapshots) {
    if (IsWorthCopying(entry) && !settled.contains(BytesOf(entry.manifest)))
      all.list.push_back({&entry, nullptr});
  }
  return all;
}

// Judges the copies and what is missing. What the site would not keep will not be there when it
// judges the rest, and the order of that may rest on it (order.h): so the rest is asked again.
std::vector<Planned> PlanWithMissing(const catalog::Catalog& store, const Contents& site,
                                     const config::Retention& rules, WallTime now) {
  Union all = WithMissing(store, site);
  std::vector<Planned> not_kept;
  for (bool is_settled = false; !is_settled;) {
    all.list = InOrder(all.list, all.ours, now);
    Judge(all.list, rules, now);
    const auto rest = std::stable_partition(all.list.begin(), all.list.end(), [](const Planned& p) {
      return p.copy != nullptr || !Goes(p.fate);
    });
    is_settled = rest == all.list.end();
    not_kept.insert(not_kept.end(), rest, all.list.end());
    all.list.erase(rest, all.list.end());
  }
  all.list.insert(all.list.end(), not_kept.begin(), not_kept.end());
  return all.list;
}

}  // namespace

std::vector<const CatalogEntry*> PlanCopies(const catalog::Catalog& store, const Contents& site,
                                            const config::Retention& rules, WallTime now) {
  std::set<Bytes> unclear;
  for (const Planned& p : CopiesAt(site)) {
    if (WaitsForHash(site, p)) unclear.insert(BytesOf(p.copy->manifest));
  }
  std::vector<const CatalogEntry*> plan;
  for (const Planned& p : PlanWithMissing(store, site, rules, now)) {
    if (p.copy == nullptr && !Goes(p.fate) && !unclear.contains(BytesOf(p.entry->manifest)))
      plan.push_back(p.entry);
  }
  return plan;
}

catalog::CopyState CopyStateOf(const catalog::Catalog& store, std::span<const KnownSite> sites,
                               std::optional<uint64_t> keep_local, WallTime now) {
  struct Reach {
    size_t there = 0;
    bool was_read_back = false;
    size_t not_kept = 0;  // by the numbers: what the size would take is a guess (PackedAtMost)
  };
  const Contents nothing;
  catalog::CopyState state{.waiting = {}, .everywhere = {}, .keep = keep_local};
  std::map<Bytes, Reach> reach;
  bool all_current = true;
  for (const KnownSite& site : sites) {
    const bool is_known = site.contents != nullptr && site.contents->looked_at_bytes;
    all_current = all_current && is_known && site.is_current && site.contents->in_doubt == 0;
    config::Retention rules = site.rules;
    if (!is_known) rules.total_size.reset();  // nobody knows for what there is room
    std::set<Bytes> there;
    for (const Planned& p :
         PlanWithMissing(store, is_known ? *site.contents : nothing, rules, now)) {
      if (p.copy != nullptr) {
        if (!p.entry->IsUsable()) continue;
        there.insert(BytesOf(p.copy->manifest));
        if (site.read_back.contains(p.entry->manifest.name))
          reach[BytesOf(p.copy->manifest)].was_read_back = true;
      } else if (!Goes(p.fate)) {
        state.waiting.insert(p.entry->manifest.name);
      } else if (p.fate != Fate::kTooBig) {
        ++reach[BytesOf(p.entry->manifest)].not_kept;
      }
    }
    for (const Bytes& bytes : there) ++reach[bytes].there;
  }
  if (!all_current) return state;
  for (const CatalogEntry& entry : store.snapshots) {
    const Reach& found = reach[BytesOf(entry.manifest)];
    if (IsWorthCopying(entry) && found.was_read_back &&
        found.there + found.not_kept == sites.size())
      state.everywhere.insert(entry.manifest.name);
  }
  return state;
}

std::vector<CopyDecision> PlanSiteRetention(const Contents& site, const config::Retention& rules,
                                            WallTime now) {
  std::vector<CopyDecision> decisions;
  for (Planned& p : PlanOfCopies(site, rules, now)) {
    const bool hash_first = p.fate == Fate::kExpired && p.entry->state == SnapshotState::kDamaged &&
                            !HasWrongContent(*p.entry);
    decisions.push_back({p.copy, p.fate, std::move(p.which), hash_first});
  }
  return decisions;
}

std::vector<LockExtension> PlanLocks(const Contents& site, const config::Retention& rules,
                                     const config::SiteLock& lock, WallTime now) {
  std::vector<LockExtension> extensions;
  for (const Planned& p : PlanOfCopies(site, rules, now)) {
    const bool must_stay = p.fate == Fate::kNewest || p.fate == Fate::kDrilled;
    if (!must_stay || p.entry->state == SnapshotState::kUnreadable) continue;
    const bool is_fresh = p.copy->lock.has_value() && p.copy->lock->until - now > lock.keep / 2;
    if (!is_fresh) extensions.push_back({p.copy, now + lock.keep});
  }
  return extensions;
}

}  // namespace etcdrill::sites
