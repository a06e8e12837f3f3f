// The rules by which files become facts.
#include "catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "etcd/roll_call.h"
#include "store/names.h"

namespace etcdrill::catalog {
namespace {

// Of 0.1.0, for "latest-restorable".
constexpr std::string_view kOldLatestRestorable = "latest-verified";

void MarkDamaged(CatalogEntry& entry, std::optional<WallTime> since) {
  if (entry.state == SnapshotState::kDamaged) return;
  entry.state = SnapshotState::kDamaged;
  entry.damaged_since = since;
}

// What a drill says of its snapshot. One that could not be carried through (no space, no etcd) says
// nothing; one of other bytes under the same name says nothing of these.
void Judge(CatalogEntry& entry, const DrillSummary& drill) {
  if (!drill.sha256.empty() && drill.sha256 != entry.manifest.sha256) return;
  entry.last_drill = drill;
  // Whatever it says, it is newer than what passed before it.
  if (!drill.readable && entry.state == SnapshotState::kRestorable)
    entry.state = SnapshotState::kUntested;
  if (drill.passed) {
    entry.state = SnapshotState::kRestorable;
    entry.damaged_since.reset();
    entry.damaging_drill.reset();
  } else if (drill.verdict == Verdict::kDamaged) {
    MarkDamaged(entry, drill.finished);
    entry.damaging_drill = drill;
  }
}

// What was seen of its file, by the scrub and just now. A record of damage stands until whoever
// finds the bytes right takes it away. 0.1.0 did not after a drill that passed: such a one stands
// until the scrub, for which it is due.
void JudgeFile(CatalogEntry& entry) {
  if (entry.damaging_drill.has_value() && entry.checks.answered == entry.damaging_drill->name) {
    entry.state = SnapshotState::kUntested;
    entry.damaged_since.reset();
    entry.damaging_drill.reset();
  }
  if (entry.checks.damaged.has_value()) MarkDamaged(entry, entry.checks.damaged);
  if (!entry.problem.empty() && entry.IsUsable()) entry.state = SnapshotState::kUnreadable;
}

}  // namespace

bool CatalogEntry::IsProven() const { return IsUsable() && manifest.verdict == Verdict::kProven; }

std::string CatalogEntry::AnsweredByItsBytes() const {
  return damaging_drill.has_value() && !damaging_drill->ReadStoredBytes() ? damaging_drill->name
                                                                          : "";
}

void CatalogEntry::RecordRight(Checks& now_kept, WallTime now, std::string_view answers) const {
  if (now_kept.rehashed == checks.rehashed) now_kept.FoundRight(now, answers);
}

std::optional<WallTime> CatalogEntry::AsOf(WallTime now) const {
  std::optional<WallTime> as_of;
  for (const std::optional<WallTime>& time : {std::optional(manifest.taken), checks.confirmed}) {
    if (time.has_value() && !IsFuture(*time, now)) as_of = std::max(as_of, time);
  }
  return as_of;
}

const CatalogEntry* Catalog::NewestOf(std::initializer_list<SnapshotState> states,
                                      WallTime now) const {
  const CatalogEntry* from_future = nullptr;
  for (auto entry = snapshots.rbegin(); entry != snapshots.rend(); ++entry) {
    if (!entry->Counts() || std::find(states.begin(), states.end(), entry->state) == states.end())
      continue;
    if (entry->AsOf(now).has_value()) return &*entry;
    if (from_future == nullptr) from_future = &*entry;
  }
  return from_future;
}

std::optional<WallTime> Catalog::LastDrill(WallTime now) const {
  const auto at = std::find_if(drills.rbegin(), drills.rend(),
                               [now](const DrillSummary& d) { return !IsFuture(d.finished, now); });
  return at == drills.rend() ? std::nullopt : std::optional(at->finished);
}

CatalogEntry EntryOf(const Manifest& manifest, const Result<Checks>& checks,
                     const Status& problem) {
  CatalogEntry entry;
  entry.manifest = manifest;
  entry.checks = checks.value_or(Checks{});
  entry.problem = MessageOf(problem.ok() ? checks.status() : problem);
  if (manifest.verdict == Verdict::kDamaged) {
    MarkDamaged(entry, manifest.taken);
  } else if (Is(problem, Reason::kDamaged)) {
    MarkDamaged(entry, entry.checks.damaged);
  }
  return entry;
}

std::optional<DrillSummary> LostDrill(const std::string& name, const Status& why) {
  const std::string snapshot(store::SnapshotOfDrillName(name));
  if (!store::IsSnapshotName(snapshot)) return std::nullopt;  // somebody's notes
  DrillSummary drill;
  drill.name = name;
  drill.readable = false;
  drill.snapshot = snapshot;
  drill.verdict = Verdict::kNotProvable;
  drill.started = drill.finished =
      store::ClaimsOfName(store::TimeOfDrillName(name)).taken.value_or(WallTime());
  drill.error = fmt::format("drills/{}.json: {}", name, MessageOf(why));
  return drill;
}

void JudgeAll(Catalog& catalog, std::string_view cluster) {
  const auto is_of_others = [cluster](std::string_view name) {
    return !cluster.empty() && !name.empty() && name != cluster;
  };
  for (const CatalogEntry& entry : catalog.snapshots)
    catalog.last_place = std::max(catalog.last_place, entry.manifest.place);
  catalog.of_others = std::erase_if(
      catalog.snapshots, [&](const CatalogEntry& e) { return is_of_others(e.manifest.cluster); });
  if (catalog.suspects.has_value()) {
    std::erase_if(*catalog.suspects,
                  [&](const store::Suspect& s) { return is_of_others(s.cluster); });
  }
  std::erase_if(catalog.lost, [&](const store::LostManifest& l) {
    return is_of_others(store::ClusterOfName(l.name));
  });
  std::erase_if(catalog.drills, [&](const DrillSummary& d) {
    return is_of_others(store::ClusterOfName(d.snapshot));
  });
  std::unordered_map<std::string_view, CatalogEntry*> by_name;
  for (CatalogEntry& entry : catalog.snapshots) {
    // What was damaged from the start, or is cut, stays so whatever a drill said before.
    if (entry.state != SnapshotState::kDamaged) by_name[entry.manifest.name] = &entry;
  }
  const CatalogEntry* newest = nullptr;  // of those that the reports so far speak of
  for (DrillSummary& drill : catalog.drills) {
    const auto at = by_name.find(drill.snapshot);
    if (at == by_name.end()) continue;
    if (!drill.readable && at->second < newest) drill.newest = false;
    // That somebody else's data can be restored proves nothing of ours.
    if (drill.passed && !at->second->Counts()) drill.newest = false;
    newest = std::max<const CatalogEntry*>(newest, at->second);
    Judge(*at->second, drill);
  }
  for (const auto& [name, entry] : by_name) JudgeFile(*entry);
}

std::optional<uint64_t> KnownCluster(const std::vector<CatalogEntry>& snapshots,
                                     std::string_view cluster) {
  for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at) {
    const Manifest& m = at->manifest;
    if (m.cluster != cluster || m.verdict == Verdict::kDamaged) continue;
    if (const auto id = etcd::ParseId(m.cluster_id)) return id;
  }
  return std::nullopt;
}

bool IsChoice(std::string_view word) {
  return word == "latest" || word == "latest-restorable" || word == "random" ||
         word == kOldLatestRestorable;
}

Result<Manifest> SelectSnapshot(const Context& context, const Catalog& catalog,
                                std::string_view word) {
  const WallTime now = context.clock.Now();
  if (word == kOldLatestRestorable) {
    context.log.Warn("latest-verified deprecated",
                     {{"hint", "use latest-restorable; 0.3 rejects the old word"}});
    word = "latest-restorable";
  }
  for (const store::LostManifest& manifest : catalog.lost) {
    if (manifest.name == word) return manifest.why;
  }
  if (catalog.HoldsNone()) {
    return Error(Reason::kNotFound,
                 "the store has no snapshot yet. Take one: `etcdrill snapshot save --config FILE`");
  }
  if (catalog.snapshots.empty()) return catalog.lost.front().why;
  if (word == "latest") {
    const CatalogEntry* const latest = catalog.Latest(now);
    for (const store::LostManifest& lost : catalog.lost) {  // only the name says how old it is
      const auto taken = store::ClaimsOfName(lost.name).taken;
      if (latest == nullptr || !taken.has_value() ||
          (*taken > latest->manifest.taken && !IsFuture(*taken, now))) {
        return lost.why;
      }
    }
    if (latest != nullptr) return latest->manifest;
    return Error(
        Reason::kNotFound,
        "every snapshot in the store is of another history. List them: `etcdrill snapshot list`");
  }
  if (word == "latest-restorable") {
    if (const CatalogEntry* restorable = catalog.NewestRestorable(now)) return restorable->manifest;
  }
  if (word == "random")
    return catalog.snapshots[context.random.Next() % catalog.snapshots.size()].manifest;
  for (auto entry = catalog.snapshots.rbegin(); entry != catalog.snapshots.rend(); ++entry) {
    if (entry->manifest.name == word) return entry->manifest;
  }
  return Error(Reason::kNotFound,
               "no snapshot {} among the {} in the store. List them: `etcdrill snapshot list`",
               word, catalog.snapshots.size());
}

}  // namespace etcdrill::catalog
