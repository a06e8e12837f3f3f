// What the headers of an answer say of an object.
#pragma once

#include <string>

#include "io/http_client.h"
#include "objects/object_store.h"
#include "objects/s3/requester.h"

namespace etcdrill::objects {

// The metadata that says which upload an object came from: after an answer that was lost, only this
// tells whether what lies there is ours.
inline constexpr std::string_view kNonceKey = "etcdrill-nonce";

// `name` is the one for the caller. What no header says is empty.
ObjectInfo InfoFrom(const HttpResponse& response, const std::string& name);

// HEAD of a key. kNotFound only if the bucket is there, as far as we may know.
Result<ObjectInfo> HeadObject(Requester& requester, const std::string& key,
                              const std::string& version_id, const std::string& name);

// Without the quotes around it.
std::string WithoutQuotes(std::string_view etag);

// "COMPLIANCE", "GOVERNANCE".
std::string S3NameOf(ObjectLockMode mode);

}  // namespace etcdrill::objects
