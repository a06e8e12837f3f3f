// The rules by which files become facts.
#include "pipeline/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <unordered_map>

#include "pipeline/receipt_check.h"

namespace etcdrill::pipeline {
namespace {

CatalogEntry EntryOf(store::StoredSnapshot stored, WallTime now) {
  CatalogEntry entry;
  if (stored.manifest.verdict == verify::VerdictName(verify::Verdict::kDamaged)) {
    entry.failed_since = stored.manifest.taken;
  } else if (!stored.problem.empty()) {
    entry.failed_since = stored.checks.damaged.value_or(now);
  }
  if (entry.failed_since.has_value()) entry.state = SnapshotState::kFailed;
  entry.manifest = std::move(stored.manifest);
  entry.checks = std::move(stored.checks);
  entry.problem = std::move(stored.problem);
  return entry;
}

void Fail(CatalogEntry& entry, WallTime since) {
  if (entry.state == SnapshotState::kFailed) return;
  entry.state = SnapshotState::kFailed;
  entry.failed_since = since;
}

// What a drill says of its snapshot. One that could not be carried through (no space, no etcd) says nothing.
void Judge(CatalogEntry& entry, const DrillSummary& drill) {
  entry.last_drill = drill;
  if (drill.passed) {
    entry.state = SnapshotState::kVerified;
    entry.failed_since.reset();
  } else if (drill.verdict == verify::VerdictName(verify::Verdict::kDamaged)) {
    Fail(entry, drill.finished);
  }
}

// What the scrub says of it, unless a drill that passed is newer.
void JudgeScrub(CatalogEntry& entry) {
  const bool drilled_since = entry.state == SnapshotState::kVerified && entry.last_drill->passed &&
                             entry.checks.damaged < entry.last_drill->finished;
  if (entry.checks.damaged.has_value() && !drilled_since) Fail(entry, *entry.checks.damaged);
}

void AddSnapshotFacts(const Catalog& catalog, report::StoreFacts& facts) {
  for (const CatalogEntry& entry : catalog.snapshots) {
    const store::Manifest& m = entry.manifest;
    facts.bytes += static_cast<double>(m.size_bytes);
    if (entry.state != SnapshotState::kFailed) {
      const double hashed = UnixSeconds(entry.LastHashed());
      facts.oldest_hashed = std::min(facts.oldest_hashed.value_or(hashed), hashed);
    }
    if (entry.state == SnapshotState::kUnverified) ++facts.unverified;
    if (entry.state == SnapshotState::kFailed) ++facts.failed;
    if (entry.state != SnapshotState::kVerified) continue;
    ++facts.verified;
    facts.verified_taken = UnixSeconds(entry.AsOf());
    facts.verified_revision = static_cast<double>(m.revision);
  }
  if (!catalog.snapshots.empty()) facts.oldest_taken = UnixSeconds(catalog.snapshots.front().manifest.taken);
  if (const CatalogEntry* newest = catalog.Newest()) {
    const store::Manifest& m = newest->manifest;
    facts.newest = {UnixSeconds(newest->AsOf()), m.duration_seconds, static_cast<double>(m.size_bytes),
                    static_cast<double>(m.revision), static_cast<double>(m.live_keys)};
  }
}

void AddDrillFacts(const Catalog& catalog, report::StoreFacts& facts) {
  for (const DrillSummary& drill : catalog.drills) {
    // What would be restored today is what pages: an older one that passes must not hide a newest one that fails.
    // Whether an older one fails is told by its state.
    if (!drill.newest) continue;
    facts.drill_started = UnixSeconds(drill.started);
    facts.drill_level = drill.level_reached;
    facts.drill_stage_seconds = drill.stage_seconds;
    if (!drill.etcd_version.empty()) facts.drill_etcd_version = drill.etcd_version;
    for (const auto& [name, passed] : drill.checks) facts.drill_checks[name] = passed;
    if (drill.passed) {
      facts.drill_consecutive_failures = 0;
      facts.drill_last_success = UnixSeconds(drill.finished);
      facts.drill_last_duration_seconds = drill.rto_seconds;
      facts.drill_forecast_seconds = drill.forecast_seconds;
    } else {
      ++facts.drill_consecutive_failures;
      facts.drill_last_failure = UnixSeconds(drill.finished);
    }
  }
}

Result<std::vector<DrillSummary>> ReadDrills(const Context& context, const store::LocalStore& store) {
  ASSIGN_OR_RETURN(const auto files, store.DrillReports());
  std::vector<DrillSummary> drills;
  for (const store::DrillFile& file : files) {
    auto drill = ParseDrillSummary(file.json);
    if (drill.ok()) {
      drills.push_back(*std::move(drill));
    } else {
      context.log.Warn("a drill report can't be read", {{"drill", file.name}, {"err", MessageOf(drill.status())}});
    }
  }
  return drills;
}

}  // namespace

std::string_view StateName(SnapshotState state) {
  switch (state) {
    case SnapshotState::kUnverified:
      return "unverified";
    case SnapshotState::kVerified:
      return "verified";
    case SnapshotState::kFailed:
      return "failed";
  }
  return "";
}

bool CatalogEntry::IsProven() const {
  return state != SnapshotState::kFailed && manifest.verdict == verify::VerdictName(verify::Verdict::kProven);
}

WallTime CatalogEntry::AsOf() const { return std::max(manifest.taken, checks.confirmed.value_or(manifest.taken)); }

const CatalogEntry* Catalog::Newest() const {
  const auto at = std::find_if(snapshots.rbegin(), snapshots.rend(),
                               [](const CatalogEntry& e) { return e.state != SnapshotState::kFailed; });
  return at == snapshots.rend() ? nullptr : &*at;
}

Result<Catalog> ReadCatalog(const Context& context, const store::LocalStore& store) {
  // Two halves of the work, at the same time: a start has to be over within a second for ten thousand snapshots.
  auto drills = std::async(std::launch::async, [&] { return ReadDrills(context, store); });
  auto listed = store.List();
  Catalog catalog;
  ASSIGN_OR_RETURN(catalog.drills, drills.get());
  ASSIGN_OR_RETURN(auto stored, std::move(listed));
  std::unordered_map<std::string_view, CatalogEntry*> by_name;
  catalog.snapshots.reserve(stored.size());
  for (store::StoredSnapshot& snapshot : stored) {
    CatalogEntry& entry = catalog.snapshots.emplace_back(EntryOf(std::move(snapshot), context.clock.Now()));
    // What was damaged from the start, or is cut, stays so whatever a drill said before.
    if (entry.state != SnapshotState::kFailed) by_name[entry.manifest.name] = &entry;
  }
  for (const DrillSummary& drill : catalog.drills) {
    if (const auto at = by_name.find(drill.snapshot); at != by_name.end()) Judge(*at->second, drill);
  }
  for (const auto& [name, entry] : by_name) JudgeScrub(*entry);
  return catalog;
}

report::StoreFacts ToStoreFacts(const Catalog& catalog) {
  report::StoreFacts facts;
  AddSnapshotFacts(catalog, facts);
  AddDrillFacts(catalog, facts);
  if (!catalog.snapshots.empty()) facts.hashkv_consistent = MembersAgreed(catalog.snapshots.back().manifest);
  return facts;
}

Result<store::Manifest> SelectSnapshot(const Context& context, const Catalog& catalog, std::string_view word) {
  if (catalog.snapshots.empty()) {
    return Error(Reason::kNotFound,
                 "the store holds no snapshot yet; take one with `etcdrill snapshot save --config FILE`");
  }
  if (word == "latest") {
    if (const CatalogEntry* newest = catalog.Newest()) return newest->manifest;
    return Error(Reason::kNotFound, "every snapshot in the store is damaged; see `etcdrill snapshot list`");
  }
  if (word == "random") return catalog.snapshots[context.random.Next() % catalog.snapshots.size()].manifest;
  for (auto entry = catalog.snapshots.rbegin(); entry != catalog.snapshots.rend(); ++entry) {
    if (word == "latest-verified" ? entry->state == SnapshotState::kVerified : entry->manifest.name == word) {
      return entry->manifest;
    }
  }
  return Error(Reason::kNotFound,
               fmt::format("there is no snapshot {} among the {} in the store; see `etcdrill snapshot list`", word,
                           catalog.snapshots.size()));
}

}  // namespace etcdrill::pipeline
