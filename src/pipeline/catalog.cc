// The rules by which files become facts.
#include "pipeline/catalog.h"

#include <fmt/format.h>

#include <algorithm>

namespace etcdrill::pipeline {
namespace {

// What the drills say of a snapshot, the newest last. One that could not be carried through (no space, no etcd) says
// nothing.
SnapshotState StateOf(const store::Manifest& manifest, const std::vector<DrillSummary>& drills) {
  const auto damaged = verify::VerdictName(verify::Verdict::kDamaged);
  if (manifest.verdict == damaged) return SnapshotState::kFailed;
  SnapshotState state = SnapshotState::kUnverified;
  for (const DrillSummary& drill : drills) {
    if (drill.snapshot != manifest.name) continue;
    if (drill.passed) state = SnapshotState::kVerified;
    if (drill.verdict == damaged) state = SnapshotState::kFailed;
  }
  return state;
}

void AddSnapshotFacts(const Catalog& catalog, report::StoreFacts& facts) {
  for (const CatalogEntry& entry : catalog.snapshots) {
    const store::Manifest& m = entry.manifest;
    facts.bytes += static_cast<double>(m.size_bytes);
    if (entry.state == SnapshotState::kUnverified) ++facts.unverified;
    if (entry.state == SnapshotState::kFailed) ++facts.failed;
    if (entry.state != SnapshotState::kVerified) continue;
    ++facts.verified;
    facts.verified_taken = UnixSeconds(m.taken);
    facts.verified_revision = static_cast<double>(m.revision);
  }
  if (!catalog.snapshots.empty()) facts.oldest_taken = UnixSeconds(catalog.snapshots.front().manifest.taken);
  if (const CatalogEntry* newest = catalog.Newest()) {
    const store::Manifest& m = newest->manifest;
    facts.newest = {UnixSeconds(m.taken), m.duration_seconds, static_cast<double>(m.size_bytes),
                    static_cast<double>(m.revision), static_cast<double>(m.live_keys)};
  }
}

// From the receipt of the newest snapshot; unknown if no member's answer could be compared.
std::optional<bool> MembersAgree(const Catalog& catalog) {
  if (catalog.snapshots.empty()) return std::nullopt;
  std::optional<bool> agree;
  for (const store::ReceiptRecord& r : catalog.snapshots.back().manifest.receipt) {
    if (r.result == "differs") return false;
    if (r.result == "equal") agree = true;
  }
  return agree;
}

void AddDrillFacts(const Catalog& catalog, report::StoreFacts& facts) {
  for (const DrillSummary& drill : catalog.drills) {
    // What would be restored today is what pages: an older one that passes must not hide a newest one that fails.
    // Whether an older one fails is told by its state.
    if (!drill.newest) continue;
    facts.drill_started = UnixSeconds(drill.started);
    facts.drill_level = drill.level_reached;
    facts.drill_stage_seconds = drill.stage_seconds;
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

const CatalogEntry* Catalog::Newest() const {
  const auto at = std::find_if(snapshots.rbegin(), snapshots.rend(),
                               [](const CatalogEntry& e) { return e.state != SnapshotState::kFailed; });
  return at == snapshots.rend() ? nullptr : &*at;
}

Result<Catalog> ReadCatalog(const Context& context, const store::LocalStore& store) {
  Catalog catalog;
  ASSIGN_OR_RETURN(const auto drill_files, store.DrillReports());
  for (const store::DrillFile& file : drill_files) {
    auto drill = ParseDrillSummary(file.json);
    if (drill.ok()) {
      catalog.drills.push_back(*std::move(drill));
    } else {
      context.log.Warn("a drill report can't be read", {{"drill", file.name}, {"err", MessageOf(drill.status())}});
    }
  }
  ASSIGN_OR_RETURN(auto manifests, store.List());
  for (store::Manifest& manifest : manifests) {
    CatalogEntry& entry = catalog.snapshots.emplace_back();
    for (const DrillSummary& drill : catalog.drills) {
      if (drill.snapshot == manifest.name) entry.last_drill = drill;
    }
    entry.state = StateOf(manifest, catalog.drills);
    entry.manifest = std::move(manifest);
  }
  return catalog;
}

report::StoreFacts ToStoreFacts(const Catalog& catalog) {
  report::StoreFacts facts;
  AddSnapshotFacts(catalog, facts);
  AddDrillFacts(catalog, facts);
  facts.hashkv_consistent = MembersAgree(catalog);
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
