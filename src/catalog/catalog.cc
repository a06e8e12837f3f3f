// The rules by which files become facts.
#include "catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <unordered_map>

#include "store/name_claims.h"
#include "store/names.h"

namespace etcdrill::catalog {
namespace {

// Of 0.1.0, for "latest-restorable".
constexpr std::string_view kOldLatestRestorable = "latest-verified";

CatalogEntry EntryOf(store::StoredSnapshot stored, WallTime now) {
  CatalogEntry entry;
  if (stored.manifest.verdict == Verdict::kDamaged) {
    entry.damaged_since = stored.manifest.taken;
  } else if (!stored.problem.ok() && ReasonOf(stored.problem) == Reason::kDamaged) {
    entry.damaged_since = stored.checks.damaged.value_or(now);
  }
  if (entry.damaged_since.has_value()) entry.state = SnapshotState::kDamaged;
  entry.manifest = std::move(stored.manifest);
  entry.checks = std::move(stored.checks);
  entry.problem = MessageOf(stored.problem.ok() ? stored.checks_problem : stored.problem);
  return entry;
}

void MarkDamaged(CatalogEntry& entry, WallTime since) {
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
  if (entry.checks.damaged.has_value()) MarkDamaged(entry, *entry.checks.damaged);
  if (!entry.problem.empty() && entry.IsUsable()) entry.state = SnapshotState::kUnreadable;
}

// A report that can't be read hides no failure: it counts as one, of the newest unless that is
// known to be another.
std::optional<DrillSummary> LostDrill(const std::string& name, const Status& why) {
  const std::string snapshot = name.substr(0, name.rfind('-'));
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

Result<std::vector<DrillSummary>> ReadDrills(const Context& context,
                                             const store::LocalStore& store) {
  ASSIGN_OR_RETURN(const auto files, store.DrillReports());
  std::vector<DrillSummary> drills;
  for (const store::DrillFile& file : files) {
    auto drill = file.problem.ok() ? ParseDrillSummary(file.json) : file.problem;
    if (drill.ok()) {
      drill->name = file.name;
      drills.push_back(*std::move(drill));
      continue;
    }
    if (store.IsNewsOfDrill(file.name)) {
      context.log.Warn("a drill report can't be read",
                       {{"drill", file.name}, {"err", MessageOf(drill.status())}});
    }
    if (auto lost = LostDrill(file.name, drill.status())) drills.push_back(*std::move(lost));
  }
  return drills;
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

const CatalogEntry* Catalog::NewestOf(std::initializer_list<SnapshotState> states) const {
  const CatalogEntry* from_future = nullptr;
  for (auto entry = snapshots.rbegin(); entry != snapshots.rend(); ++entry) {
    if (!entry->Counts() || std::find(states.begin(), states.end(), entry->state) == states.end())
      continue;
    if (entry->AsOf(now).has_value()) return &*entry;
    if (from_future == nullptr) from_future = &*entry;
  }
  return from_future;
}

std::optional<WallTime> Catalog::LastDrill() const {
  const auto at = std::find_if(drills.rbegin(), drills.rend(), [this](const DrillSummary& d) {
    return !IsFuture(d.finished, now);
  });
  return at == drills.rend() ? std::nullopt : std::optional(at->finished);
}

Result<Catalog> ReadCatalog(const Context& context, const store::LocalStore& store,
                            std::string_view cluster) {
  // Two halves of the work, at the same time: a start has to be over within a second for ten
  // thousand snapshots.
  auto drills = std::async(std::launch::async, [&] { return ReadDrills(context, store); });
  auto listed = store.ListAll();
  Catalog catalog;
  catalog.now = context.clock.Now();
  catalog.unkept = store.unkept();
  ASSIGN_OR_RETURN(catalog.drills, drills.get());
  ASSIGN_OR_RETURN(auto listing, std::move(listed));
  catalog.lost = std::move(listing.lost);
  const auto is_of_others = [cluster](std::string_view name) {
    return !cluster.empty() && !name.empty() && name != cluster;
  };
  catalog.of_others = std::erase_if(listing.snapshots, [&](const store::StoredSnapshot& s) {
    return is_of_others(s.manifest.cluster);
  });
  const auto suspects = store.Suspects();
  catalog.suspects = suspects.value_or(std::nullopt);
  catalog.suspects_problem = MessageOf(suspects.status());
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
  catalog.snapshots.reserve(listing.snapshots.size());
  for (store::StoredSnapshot& snapshot : listing.snapshots) {
    CatalogEntry& entry = catalog.snapshots.emplace_back(EntryOf(std::move(snapshot), catalog.now));
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
  return catalog;
}

bool IsChoice(std::string_view word) {
  return word == "latest" || word == "latest-restorable" || word == "random" ||
         word == kOldLatestRestorable;
}

Result<Manifest> SelectSnapshot(const Context& context, const Catalog& catalog,
                                std::string_view word) {
  if (word == kOldLatestRestorable) {
    context.log.Warn("latest-verified is called latest-restorable now; 0.3 will not know it");
    word = "latest-restorable";
  }
  for (const store::LostManifest& manifest : catalog.lost) {
    if (manifest.name == word) return manifest.why;
  }
  if (catalog.HoldsNone()) {
    return Error(
        Reason::kNotFound,
        "the store holds no snapshot yet; take one with `etcdrill snapshot save --config FILE`");
  }
  if (catalog.snapshots.empty()) return catalog.lost.front().why;
  if (word == "latest") {
    const CatalogEntry* const latest = catalog.Latest();
    for (const store::LostManifest& lost :
         catalog.lost) {  // of which only the name says how old they are
      const auto taken = store::ClaimsOfName(lost.name).taken;
      if (latest == nullptr || !taken.has_value() ||
          (*taken > latest->manifest.taken && !IsFuture(*taken, catalog.now))) {
        return lost.why;
      }
    }
    if (latest != nullptr) return latest->manifest;
    return Error(Reason::kNotFound,
                 "every snapshot in the store is of another history; see `etcdrill snapshot list`");
  }
  if (word == "latest-restorable") {
    if (const CatalogEntry* newest = catalog.NewestRestorable()) return newest->manifest;
  }
  if (word == "random")
    return catalog.snapshots[context.random.Next() % catalog.snapshots.size()].manifest;
  for (auto entry = catalog.snapshots.rbegin(); entry != catalog.snapshots.rend(); ++entry) {
    if (entry->manifest.name == word) return entry->manifest;
  }
  return Error(Reason::kNotFound,
               "there is no snapshot {} among the {} in the store; see `etcdrill snapshot list`",
               word, catalog.snapshots.size());
}

}  // namespace etcdrill::catalog
