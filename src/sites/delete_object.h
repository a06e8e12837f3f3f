// Takes an object away for good. In a bucket with versions a plain deletion only hides it behind a
// mark, and its bytes are paid for from then on
// (docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
#pragma once

#include <string>

#include "base/status.h"
#include "objects/object_store.h"

namespace etcdrill::sites {

// All versions of it, and all marks; OK if there are none. Where nobody may list versions:
// `version_id`, or what lies there now if that is empty. kAccessDenied where the site refuses, by a
// lock or for want of a right.
Status DeleteWholly(objects::ObjectStore& site, const std::string& name,
                    const std::string& version_id = "");

// The site refuses to list versions, or can't: it may have none.
bool HidesVersions(const Status& listed);

}  // namespace etcdrill::sites
