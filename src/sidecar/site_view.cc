#include "sidecar/site_view.h"

#include <algorithm>

namespace etcdrill::sidecar {
namespace {

std::optional<WallTime> AsOf(const catalog::CatalogEntry* entry, WallTime now) {
  return entry != nullptr ? entry->AsOf(now) : std::nullopt;
}

const catalog::CatalogEntry* NewestProven(const catalog::Catalog& catalog) {
  const auto at = std::find_if(
      catalog.snapshots.rbegin(), catalog.snapshots.rend(),
      [](const catalog::CatalogEntry& entry) { return entry.Counts() && entry.IsProven(); });
  return at != catalog.snapshots.rend() ? &*at : nullptr;
}

// As long as nobody found that the site does not hold it.
std::optional<WallTime> LockOf(const sites::Contents& contents,
                               const std::map<std::string, WallTime>& extended,
                               const std::string& copy) {
  const bool is_missing = std::ranges::any_of(contents.findings, [&](const sites::SiteFinding& f) {
    return f.copy == copy && f.oddity == Oddity::kLockMissing;
  });
  if (is_missing) return std::nullopt;
  std::optional<WallTime> until;
  const auto record = contents.records.find(copy);
  if (record != contents.records.end() && record->second.lock.has_value())
    until = record->second.lock->until;
  if (const auto at = extended.find(copy); at != extended.end())
    until = std::max(until, {at->second});
  return until;
}

}  // namespace

void ShowContents(const sites::Contents& contents, const std::map<std::string, WallTime>& extended,
                  WallTime now, report::SiteView& view) {
  const catalog::Catalog& catalog = contents.catalog;
  view.listed = contents.read_at;
  view.copies.clear();
  view.least_recent_hash.reset();
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    ++view.copies[entry.state];
    const WallTime hashed = entry.LastHashed();
    view.least_recent_hash = std::min(view.least_recent_hash.value_or(hashed), hashed);
  }
  view.bytes = contents.bytes;
  view.newest_copy = AsOf(catalog.Newest(now), now);
  const catalog::CatalogEntry* const proven = NewestProven(catalog);
  view.newest_proven = AsOf(proven, now);
  view.newest_restorable = AsOf(catalog.NewestRestorable(now), now);
  view.locked_until =
      proven != nullptr ? LockOf(contents, extended, proven->manifest.name) : std::nullopt;
  view.findings.clear();
  for (const sites::SiteFinding& f : contents.findings)
    view.findings.push_back({f.oddity, f.copy, f.text});
}

}  // namespace etcdrill::sidecar
