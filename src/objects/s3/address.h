// Where a bucket is, and how its requests are addressed:
// docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html.
#pragma once

#include <string>
#include <string_view>

#include "base/names.h"
#include "base/status.h"

namespace etcdrill::objects {

// https://BUCKET.HOST/KEY or https://HOST/BUCKET/KEY. Auto: virtual for Amazon, path for all
// others, and for a bucket with a dot in its name, which no certificate covers as a host.
enum class Addressing { kAuto, kPath, kVirtual };
enum class Sse { kNone, kAes256, kKms };
// What the store is to keep with an object. The hash of each body is signed, and so checked on the
// way, whatever is chosen here. Some stores refuse x-amz-checksum-sha256; Amazon wants one of them
// where an object is locked.
enum class Checksum { kSha256, kMd5 };

struct S3Options {
  std::string endpoint;  // https://HOST[:PORT], http://...; https without; empty: Amazon's
  std::string bucket;
  std::string region;  // empty: us-east-1
  std::string prefix;  // in front of all names, with or without a slash at its end; may be empty
  Addressing addressing = Addressing::kAuto;
  Sse sse = Sse::kNone;
  std::string kms_key_id;  // of Sse::kKms; empty: the bucket's own
  Checksum checksum = Checksum::kSha256;
  // Sends If-None-Match: * with what makes an object visible, where the store is known to obey.
  bool put_if_absent = false;
};

struct S3Address {
  std::string scheme;  // "https" or "http"
  std::string host;    // as it is signed and sent: with the port, unless it is the scheme's own
  std::string root;    // in front of a key, encoded: "/" or "/BUCKET/"; without a key: the bucket
  bool operator==(const S3Address&) const = default;
};

// kUsage if the endpoint or the bucket can't be addressed; the text says what would be right.
Result<S3Address> S3AddressOf(const S3Options& options, std::string_view region);

inline constexpr std::string_view kDefaultRegion = "us-east-1";

}  // namespace etcdrill::objects

namespace etcdrill {

template <>
inline constexpr auto kNames<objects::Addressing> = Names("auto", "path", "virtual");
template <>
inline constexpr auto kNames<objects::Sse> = Names("none", "aes256", "kms");
template <>
inline constexpr auto kNames<objects::Checksum> = Names("sha256", "md5");

}  // namespace etcdrill
