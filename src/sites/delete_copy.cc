#include "sites/delete_copy.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sites/delete_object.h"
#include "sites/layout.h"
#include "sites/lock_object.h"

namespace etcdrill::sites {
namespace {

using objects::ObjectInfo;
using objects::ObjectStore;

struct BytesFound {
  std::string key;
  std::string copy;
};

Result<std::vector<BytesFound>> BytesOlderThan(ObjectStore& site, WallTime before) {
  std::vector<BytesFound> found;
  RETURN_IF_ERROR(site.List(std::string(kSnapshotsFolder), "", [&](const ObjectInfo& object) {
    const auto name = ParseBytesKey(object.name);
    if (name.has_value() && object.modified < before) found.push_back({object.name, name->copy});
    return OkStatus();
  }));
  return found;
}

Result<std::set<std::string>> CopiesWithManifest(ObjectStore& site) {
  std::set<std::string> copies;
  RETURN_IF_ERROR(site.List(std::string(kManifestsFolder), "", [&](const ObjectInfo& object) {
    if (auto copy = CopyOfManifestKey(object.name)) copies.insert(*std::move(copy));
    return OkStatus();
  }));
  return copies;
}

// Also where a mark hides it: whoever may only hide must not get the bytes deleted by us.
Result<bool> HadManifest(ObjectStore& site, const std::string& copy) {
  const std::string key = ManifestKey(copy);
  const Status there = site.Head(key).status();
  if (!Is(there, Reason::kNotFound)) return there.ok() ? Result<bool>(true) : there;
  if (!site.properties().has_versions) return false;
  bool had_one = false;
  const Status listed = site.ListVersions(key, [&](const ObjectStore::Version& version) {
    had_one |= version.object.name == key && !version.is_delete_marker;
    return OkStatus();
  });
  if (HidesVersions(listed)) return false;
  RETURN_IF_ERROR(listed);
  return had_one;
}

// Whether it went.
Result<bool> SweepBytes(ObjectStore& site, const BytesFound& bytes) {
  const auto had_manifest = HadManifest(site, bytes.copy);
  if (Is(had_manifest, Reason::kAccessDenied)) return false;  // nobody can tell
  RETURN_IF_ERROR(had_manifest.status());
  if (*had_manifest) return false;
  const Status deleted = DeleteWholly(site, bytes.key);
  if (Is(deleted, Reason::kAccessDenied)) return false;
  RETURN_IF_ERROR(deleted);
  return true;
}

// A few uploads that were killed leave a few bytes behind. More of them are copies whose manifests
// somebody deleted, or does not show us: then the bytes are all that is left.
Status CheckManifestsAreThere(const ObjectStore& site, size_t manifests,
                              const std::vector<BytesFound>& unsealed) {
  constexpr size_t kKilledMax = 3;
  const bool are_lost =
      manifests == 0 || (unsealed.size() > kKilledMax && manifests < unsealed.size());
  if (unsealed.empty() || !are_lost) return OkStatus();
  return Error(
      Reason::kNotProvable,
      "sweep {}: {} objects below {} are older than a week and have no manifest (the first "
      "is {}), and the site lists {} manifests; none was deleted, as rather the manifests "
      "are lost: bring back what was below {}, or delete these objects yourself",
      site.address(), unsealed.size(), kSnapshotsFolder, unsealed.front().key, manifests,
      kManifestsFolder);
}

// Asked first, so that a copy whose bytes can't go keeps its manifest.
Status CheckNoLockHolds(const Context& context, ObjectStore& site, const CopyRecord& record) {
  if (!site.properties().has_locks) return OkStatus();
  const auto there = site.Head(record.key(), record.version_id);
  // Gone already, or not for us to see: the deletion itself tells.
  if (Is(there, Reason::kNotFound) || Is(there, Reason::kAccessDenied)) return OkStatus();
  RETURN_IF_ERROR(there.status());
  if (!there->lock.has_value() || there->lock->until <= context.clock.Now()) return OkStatus();
  return Error(Reason::kAccessDenied, "delete copy {} at {}: its lock is {}", record.copy,
               site.address(), LockText(there->lock));
}

Status DeleteChecks(ObjectStore& site, const std::string& copy) {
  std::vector<std::string> keys;
  const std::string folder = std::string(kChecksFolder) + copy + "/";
  RETURN_IF_ERROR(site.List(folder, "", [&](const ObjectInfo& object) {
    if (ParseChecksKey(object.name).has_value()) keys.push_back(object.name);
    return OkStatus();
  }));
  for (const std::string& key : keys) RETURN_IF_ERROR(DeleteWholly(site, key));
  return OkStatus();
}

}  // namespace

Result<size_t> SweepUnsealed(const Context& context, ObjectStore& site, WallTime now) {
  size_t swept = 0;
  for (const std::string_view folder :
       {kSnapshotsFolder, kManifestsFolder, kChecksFolder, kDrillsFolder, kWritersFolder}) {
    ASSIGN_OR_RETURN(const size_t given_up, site.Sweep(std::string(folder), now - kUploadAgeMax));
    swept += given_up;
  }
  // In this order: what is sealed meanwhile has its manifest in the second list.
  ASSIGN_OR_RETURN(std::vector<BytesFound> old, BytesOlderThan(site, now - kUnsealedAgeMax));
  if (old.empty()) return swept;
  ASSIGN_OR_RETURN(const std::set<std::string> sealed, CopiesWithManifest(site));
  std::erase_if(old, [&](const BytesFound& bytes) { return sealed.contains(bytes.copy); });
  RETURN_IF_ERROR(CheckManifestsAreThere(site, sealed.size(), old));
  for (const BytesFound& bytes : old) {
    RETURN_IF_ERROR(context.CheckStop());
    ASSIGN_OR_RETURN(const bool went, SweepBytes(site, bytes));
    swept += went ? 1 : 0;
  }
  return swept;
}

Status DeleteCopy(const Context& context, ObjectStore& site, const CopyRecord& record) {
  RETURN_IF_ERROR(CheckNoLockHolds(context, site, record));
  RETURN_IF_ERROR(DeleteWholly(site, ManifestKey(record.copy)));
  RETURN_IF_ERROR(DeleteWholly(site, record.key(), record.version_id));
  return DeleteChecks(site, record.copy);
}

}  // namespace etcdrill::sites
