// The bytes of an object, or of a range of it, from one state of it: what a broken connection left
// out comes by Range and If-Match.
//
// The hard fact: stores answer a range with 206 and Content-Range, with 200 and Content-Range, or
// with 200 and the whole object. So Content-Range is believed, and not the status.
#pragma once

#include <string>

#include "objects/object_store.h"
#include "objects/s3/requester.h"

namespace etcdrill::objects {

// As ObjectStore::Get; `key` has the prefix.
Status Download(Requester& requester, const std::string& key, const std::string& version_id,
                const ByteRange& range, const ByteSink& sink);

}  // namespace etcdrill::objects
