// What others did to a bucket that keeps versions: there nothing is overwritten and, under a lock,
// nothing deleted, but what one asks for by name may be another version, or hidden by a mark
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "objects/object_store.h"
#include "sites/contents.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {

struct VersionsSeen {
  std::vector<SiteFinding> findings;
  // Of manifests that were hidden or written over: the first version, which is ours. By COPY.
  std::map<std::string, objects::ObjectInfo> first_manifests;
};
// Nothing if the site has no versions.
Result<VersionsSeen> LookForVersions(objects::ObjectStore& site, const SiteState& state);

}  // namespace etcdrill::sites
