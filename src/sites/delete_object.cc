#include "sites/delete_object.h"

#include <vector>

namespace etcdrill::sites {

bool HidesVersions(const Status& listed) {
  return Is(listed, Reason::kAccessDenied) || Is(listed, Reason::kUsage);
}

Status DeleteWholly(objects::ObjectStore& site, const std::string& name,
                    const std::string& version_id) {
  if (!site.properties().has_versions) return site.Delete(name);
  std::vector<std::string> versions;
  const Status listed = site.ListVersions(name, [&](const objects::ObjectStore::Version& version) {
    if (version.object.name == name) versions.push_back(version.object.version_id);
    return OkStatus();
  });
  if (HidesVersions(listed)) return site.Delete(name, version_id);
  RETURN_IF_ERROR(listed);
  for (const std::string& version : versions) RETURN_IF_ERROR(site.Delete(name, version));
  if (!versions.empty()) return OkStatus();
  // Some list no versions of what has none. A deletion of nothing would leave a mark.
  const Status there = site.Head(name).status();
  if (there.ok()) return site.Delete(name);
  return Is(there, Reason::kNotFound) ? OkStatus() : there;
}

}  // namespace etcdrill::sites
