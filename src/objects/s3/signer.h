// Signature Version 4, as S3 wants it:
// docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
//
// The hard fact: the server makes the canonical request anew from what reached it. So path and
// query must be sent byte for byte as they were signed, and only headers are signed that no proxy
// changes: host, x-amz-*, content-md5, conditions and range.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "io/http_client.h"
#include "objects/s3/credentials.h"

namespace etcdrill::objects {

// Each byte outside of A-Z a-z 0-9 - . _ ~ and / as %XX; once, where other services want it twice.
std::string EncodePath(std::string_view path);

using Query = std::vector<std::pair<std::string, std::string>>;
// Names and values encoded as in a path, but for the slash, which is, too; sorted by what that
// gives; "name=" where there is no value. Without the question mark.
std::string EncodeQuery(const Query& query);

struct SigningScope {
  std::string region;
  std::string service = "s3";
};

struct UnsignedRequest {
  std::string_view method;
  std::string_view path;         // as it is sent
  std::string_view query;        // as it is sent
  HttpHeaders headers;           // all that are signed, names in lower case, `host` among them
  std::string_view body_sha256;  // in hexadecimal
};

// The headers to send: those of the request, x-amz-date, x-amz-security-token if there is one, and
// authorization.
HttpHeaders Sign(UnsignedRequest request, const Credentials& credentials, const SigningScope& scope,
                 WallTime now);

}  // namespace etcdrill::objects
