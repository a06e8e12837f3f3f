#include "sites/versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sites/at_once.h"
#include "sites/layout.h"

namespace etcdrill::sites {
namespace {

using VersionsByKey = std::map<std::string, std::vector<objects::ObjectStore::Version>>;

Result<VersionsByKey> VersionsBelow(objects::ObjectStore& site, std::string_view folder) {
  VersionsByKey versions;
  RETURN_IF_ERROR(
      site.ListVersions(std::string(folder), [&](const objects::ObjectStore::Version& version) {
        versions[version.object.name].push_back(version);
        return OkStatus();
      }));
  return versions;
}

bool IsHidden(const std::vector<objects::ObjectStore::Version>& versions) {
  using Version = objects::ObjectStore::Version;
  return std::ranges::any_of(versions,
                             [](const Version& v) { return v.is_latest && v.is_delete_marker; }) &&
         !std::ranges::all_of(versions, &Version::is_delete_marker);
}

// What is no mark, the newest first.
std::vector<objects::ObjectInfo> ObjectsIn(
    const std::vector<objects::ObjectStore::Version>& versions) {
  std::vector<objects::ObjectInfo> objects;
  for (const auto& version : versions) {
    if (!version.is_delete_marker) objects.push_back(version.object);
  }
  std::ranges::stable_sort(objects, std::ranges::greater(), &objects::ObjectInfo::modified);
  return objects;
}

// A put whose answer was lost and that was made again leaves the same bytes twice.
bool AreSameBytes(const objects::ObjectInfo& a, const objects::ObjectInfo& b) {
  return a.size == b.size && !a.etag.empty() && a.etag == b.etag;
}

void LookAtManifest(const std::string& key, const std::string& copy,
                    const std::vector<objects::ObjectStore::Version>& versions,
                    VersionsSeen& seen) {
  const std::vector<objects::ObjectInfo> objects = ObjectsIn(versions);
  if (IsHidden(versions)) {
    seen.first_manifests.emplace(copy, objects.back());
    seen.findings.push_back(
        {.oddity = Oddity::kHidden,
         .key = key,
         .copy = copy,
         .text = "a delete marker hides the manifest; its first version is what is read, and other "
                 "tools find the copy again when the marker is removed"});
    return;
  }
  const bool same = std::ranges::all_of(
      objects, [&](const auto& object) { return AreSameBytes(object, objects.back()); });
  if (objects.size() < 2 || same) return;
  seen.first_manifests.emplace(copy, objects.back());
  seen.findings.push_back(
      {.oddity = Oddity::kNewVersion,
       .key = key,
       .copy = copy,
       .text = fmt::format("somebody wrote over the manifest, which has {} versions now; the first "
                           "one counts",
                           objects.size())});
}

void LookAtBytes(const CopyRecord& record,
                 const std::vector<objects::ObjectStore::Version>& versions, VersionsSeen& seen) {
  if (IsHidden(versions)) {
    seen.findings.push_back({.oddity = Oddity::kHidden,
                             .key = record.key(),
                             .copy = record.copy,
                             .text = "a delete marker hides the bytes; if the version that was "
                                     "sealed is there, that is what is fetched"});
  }
  const objects::ObjectInfo sealed{.size = record.size_bytes, .etag = record.etag};
  const std::vector<objects::ObjectInfo> objects = ObjectsIn(versions);
  // Of a bucket that had no versions when it was sealed, one alone is it.
  if (record.version_id.empty() && objects.size() < 2) return;
  const bool all_ours = std::ranges::all_of(objects, [&](const objects::ObjectInfo& object) {
    return object.version_id == record.version_id || AreSameBytes(object, sealed);
  });
  if (all_ours) return;
  seen.findings.push_back(
      {.oddity = Oddity::kNewVersion,
       .key = record.key(),
       .copy = record.copy,
       .text = "somebody wrote other bytes over it; the version that was sealed is what is fetched "
               "as long as it is there"});
}

}  // namespace

Result<VersionsSeen> LookForVersions(objects::ObjectStore& site, const SiteState& state) {
  VersionsSeen seen;
  if (!site.properties().has_versions) return seen;
  const auto manifests = VersionsBelow(site, kManifestsFolder);
  if (Is(manifests, Reason::kUsage)) return seen;  // a server that knows none
  RETURN_IF_ERROR(manifests.status());
  for (const auto& [key, versions] : *manifests) {
    if (const auto copy = CopyOfManifestKey(key); copy.has_value())
      LookAtManifest(key, *copy, versions, seen);
  }
  ASSIGN_OR_RETURN(const VersionsByKey bytes, VersionsBelow(site, kSnapshotsFolder));
  for (const auto& [copy, manifest] : state.manifests) {
    const CopyRecord* const record = state.Find(copy);
    if (record == nullptr) continue;
    const auto versions = bytes.find(record->key());
    if (versions != bytes.end()) LookAtBytes(*record, versions->second, seen);
  }
  return seen;
}

}  // namespace etcdrill::sites
