// What it costs: nothing is read where the numbers of the two manifests already say that no revision is in both, which
// on a cluster that compacts every five minutes is the rule for hourly snapshots. Otherwise the fresh file is hashed
// once more, and the older one only if there was a compaction in between.
#include "pipeline/store_lineage.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/catalog.h"
#include "pipeline/receipt_check.h"
#include "store/order.h"
#include "verify/lineage.h"

namespace etcdrill::pipeline {
namespace {

Result<verify::Place> PlaceOf(const snapshot::Image& image, const store::Manifest& m) {
  ASSIGN_OR_RETURN(verify::Place place, verify::ReadPlace(image, {.hash = m.hashkv,
                                                                  .revision = m.revision,
                                                                  .compact_revision = m.compact_revision,
                                                                  .live_keys = m.live_keys}));
  place.file = m.name;  // its path is another one later
  return place;
}

Result<verify::LineageReport> Compare(const Context& context, const store::Manifest& older,
                                      const std::string& older_path, const store::Manifest& newer,
                                      const snapshot::Image& newer_image) {
  ASSIGN_OR_RETURN(const auto older_image, snapshot::Image::Open(context, older_path));
  ASSIGN_OR_RETURN(const verify::Place from, PlaceOf(older_image, older));
  ASSIGN_OR_RETURN(const verify::Place to, PlaceOf(newer_image, newer));
  return verify::CompareLineage(context, {older_image, from}, {newer_image, to});
}

// By what the members said. A restore may change the id, and goes on with the data; so it counts only
// where nothing else tells.
bool IsOfAnotherCluster(const store::Manifest& older, const store::Manifest& newer) {
  return !older.cluster_id.empty() && !newer.cluster_id.empty() && older.cluster_id != newer.cluster_id;
}

}  // namespace

Status CompareWithStore(const Context& context, const store::LocalStore& store, const snapshot::Image& image,
                        std::optional<int64_t> head, store::Manifest& manifest) {
  const Stopwatch watch(context.clock);
  const Result<Catalog> catalog = ReadCatalog(context, store, manifest.cluster);
  if (IsInterrupted(catalog.status())) return catalog.status();
  if (!catalog.ok()) {  // no reason to lose the fresh snapshot
    context.log.Warn("the store can't be read, so nobody knows what the snapshot continues",
                     {{"err", MessageOf(catalog.status())}});
    return OkStatus();
  }
  const auto older = std::find_if(catalog->snapshots.rbegin(), catalog->snapshots.rend(), [&](const CatalogEntry& e) {
    return e.IsUsable() && e.Counts() && e.manifest.cluster == manifest.cluster &&
           store::IsOlder(e.manifest, manifest, catalog->now);
  });
  if (older == catalog->snapshots.rend()) return OkStatus();
  const std::string& name = older->manifest.name;
  const auto report = Compare(context, older->manifest, store.SnapshotPath(name), manifest, image);
  store::LineageRecord& record = manifest.lineage.emplace();
  record.older = name;
  if (report.ok()) {
    record.result = verify::LineageVerdictName(report->verdict);
    const Finding* const error = report->findings.FirstError();
    if (error != nullptr) {
      record.text = error->text;
    } else if (!report->findings.kept().empty()) {
      record.text = report->findings.kept().front().text;
    }
  } else {
    if (IsInterrupted(report.status())) return report.status();
    record.result = verify::LineageVerdictName(verify::LineageVerdict::kNotComparable);
    record.text = MessageOf(report.status());
  }
  record.duration_seconds = watch.Seconds();
  const bool diverged = report.ok() && report->verdict == verify::LineageVerdict::kDiverged;
  const bool not_comparable = !report.ok() || report->verdict == verify::LineageVerdict::kNotComparable;
  if (not_comparable && IsOfAnotherCluster(older->manifest, manifest)) {
    record.result = verify::LineageVerdictName(verify::LineageVerdict::kDiverged);
    record.text = fmt::format(
        "the source is cluster {} now, it was {}, and no revision is in both: it was restored or made anew, or the "
        "endpoints lead elsewhere",
        manifest.cluster_id, older->manifest.cluster_id);
  }
  // What members hold is theirs, wherever the store stands; and the store says nothing of a source
  // that went back, or that nobody has seen.
  const bool source_goes_on = head.has_value() && *head >= older->manifest.revision;
  manifest.other_history =
      manifest.adopted.has_value() && diverged && source_goes_on && CountReceipt(manifest).equal == 0;
  return OkStatus();
}

}  // namespace etcdrill::pipeline
