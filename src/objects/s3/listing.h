// What a bucket holds, page by page: objects, their versions, and uploads that were not completed.
// A page has at most 1,000 of them; each page asked for is a request that is paid for.
#pragma once

#include <functional>
#include <string>

#include "objects/object_store.h"
#include "objects/s3/requester.h"

namespace etcdrill::objects {

// Keys with the prefix, in the order of the store; the caller's error ends it.
Status ListObjects(Requester& requester, const std::string& prefix, const std::string& after,
                   const ObjectStore::Visit& visit);
Status ListObjectVersions(Requester& requester, const std::string& prefix,
                          const ObjectStore::VisitVersion& visit);

struct OpenUpload {
  std::string key;
  std::string id;
  WallTime begun{};
};
Status ListUploads(Requester& requester, const std::string& prefix,
                   const std::function<Status(const OpenUpload&)>& visit);

}  // namespace etcdrill::objects
