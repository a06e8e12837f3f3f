// What it costs: nothing is read where the numbers of the two manifests already say that no
// revision is in both, which on a cluster that compacts every five minutes is the rule for hourly
// snapshots. Otherwise the fresh file is hashed once more, and the older one only if there was a
// compaction in between.
#include "crosscheck/store_lineage.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/catalog.h"
#include "proof/receipt_view.h"
#include "store/order.h"
#include "verify/lineage.h"

namespace etcdrill::crosscheck {
namespace {

Result<verify::Place> PlaceOf(const snapshot::Image& image, const Manifest& m) {
  ASSIGN_OR_RETURN(verify::Place place,
                   verify::ReadPlace(image, {.hash = m.hashkv,
                                             .revision = m.revision,
                                             .compact_revision = m.compact_revision,
                                             .live_keys = m.live_keys}));
  place.file = m.name;  // its path is another one later
  return place;
}

struct Snapshot {
  const Manifest& manifest;
  const snapshot::Image& image;
};

Result<verify::LineageReport> Compare(const Context& context, const Snapshot& older,
                                      const Snapshot& newer) {
  ASSIGN_OR_RETURN(const verify::Place from, PlaceOf(older.image, older.manifest));
  ASSIGN_OR_RETURN(const verify::Place to, PlaceOf(newer.image, newer.manifest));
  return verify::CompareLineage(context, {older.image, from}, {newer.image, to});
}

// By what the members said. A restore may change the id, and goes on with the data; so it counts
// only where nothing else tells.
bool IsOfAnotherCluster(const Manifest& older, const Manifest& newer) {
  return !older.cluster_id.empty() && !newer.cluster_id.empty() &&
         older.cluster_id != newer.cluster_id;
}

// Does `fresh` continue `older`?
Result<LineageRecord> LookBack(const Context& context, const Manifest& older,
                               const std::string& path, const Snapshot& fresh) {
  const Stopwatch watch(context.clock);
  const auto compare = [&]() -> Result<verify::LineageReport> {
    ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
    return Compare(context, {older, image}, fresh);
  };
  const auto report = compare();
  if (IsInterrupted(report.status())) return report.status();
  LineageRecord record{.older = older.name};
  const auto verdict = report.ok() ? report->verdict : Continuity::kNotComparable;
  record.result = verdict;
  if (!report.ok()) {
    record.text = MessageOf(report.status());
  } else if (const Finding* const error = report->findings.FirstError()) {
    record.text = error->text;
  } else if (!report->findings.kept().empty()) {
    record.text = report->findings.kept().front().text;
  }
  if (verdict == Continuity::kNotComparable && IsOfAnotherCluster(older, fresh.manifest)) {
    record.result = Continuity::kDiverged;
    record.text = fmt::format(
        "the source is cluster {} now, it was {}, and no revision is in both: it was restored or "
        "made anew, or the endpoints lead elsewhere",
        fresh.manifest.cluster_id, older.cluster_id);
  }
  record.duration_seconds = watch.Seconds();
  return record;
}

// How the data of `newer` differs from that of `late`; empty if nothing shows that it does. That
// `newer` ends at a lower revision shows nothing: its time may be a claim.
Result<std::string> LookAhead(const Context& context, const Snapshot& late, const Manifest& newer,
                              const std::string& path) {
  const auto compare = [&]() -> Result<verify::LineageReport> {
    ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
    return Compare(context, late, {newer, image});
  };
  const auto report = compare();
  if (IsInterrupted(report.status())) return report.status();
  if (!report.ok() || !report->compared.has_value() || report->compared->equal)
    return std::string();
  return fmt::format("{} does not continue it: {}", newer.name,
                     report->findings.FirstError()->text);
}

}  // namespace

Status CompareWithStore(const Context& context, const store::LocalStore& store,
                        const snapshot::Image& image, std::optional<int64_t> head,
                        Manifest& manifest) {
  const Result<catalog::Catalog> catalog = catalog::ReadCatalog(context, store, manifest.cluster);
  if (IsInterrupted(catalog.status())) return catalog.status();
  if (!catalog.ok()) {  // no reason to lose the fresh snapshot
    context.log.Warn("the store can't be read, so nobody knows what the snapshot continues",
                     {{"err", MessageOf(catalog.status())}});
    return OkStatus();
  }
  const Manifest* older = nullptr;
  const Manifest* newer = nullptr;
  for (const catalog::CatalogEntry& e : catalog->snapshots) {
    if (!e.IsUsable() || !e.Counts() || e.manifest.cluster != manifest.cluster) continue;
    if (store::IsOlder(e.manifest, manifest, catalog->now)) {
      older = &e.manifest;
    } else if (newer == nullptr) {
      newer = &e.manifest;
    }
  }
  // What members hold is theirs, wherever the store stands; and the store says nothing of a source
  // that went back, or that nobody has seen.
  const bool may_be_other = manifest.adopted.has_value() && CountReceipt(manifest).equal == 0;
  const auto goes_on = [&](const Manifest& m) { return head.has_value() && *head >= m.revision; };
  if (older != nullptr) {
    ASSIGN_OR_RETURN(manifest.lineage,
                     LookBack(context, *older, store.SnapshotPath(older->name), {manifest, image}));
    manifest.other_history =
        may_be_other && goes_on(*older) && LineageOf(manifest) == Continuity::kDiverged;
  }
  if (newer != nullptr && may_be_other && goes_on(*newer) && !manifest.other_history) {
    ASSIGN_OR_RETURN(std::string differs, LookAhead(context, {manifest, image}, *newer,
                                                    store.SnapshotPath(newer->name)));
    if (differs.empty()) return OkStatus();
    manifest.lineage = {.result = Continuity::kDiverged, .text = std::move(differs)};
    manifest.other_history = true;
  }
  return OkStatus();
}

}  // namespace etcdrill::crosscheck
