#include "objects/s3/head.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "objects/s3/times.h"

namespace etcdrill::objects {
namespace {

constexpr std::string_view kMetadata = "x-amz-meta-";

std::optional<Lock> LockFrom(std::string_view mode_name, std::string_view until_text) {
  const auto until = ParseXmlTime(until_text);
  if (!until.has_value()) return std::nullopt;
  for (const ObjectLockMode mode : ValuesOf<ObjectLockMode>()) {
    if (mode_name == S3NameOf(mode)) return Lock{mode, *until};
  }
  return std::nullopt;
}

// Of a version that is not the newest, versitygw 1.8 tells the lock only where it is asked for.
std::optional<Lock> LockOf(Requester& requester, const std::string& key,
                           const std::string& version_id) {
  const Outcome outcome =
      requester.Once({.key = key, .query = {{"retention", ""}, {"versionId", version_id}}});
  if (outcome.failure.has_value()) return std::nullopt;
  // <Retention>, and there <ObjectLockRetention>.
  const Result<XmlElement> retention = ParseXml(outcome.answer.response.body);
  if (!retention.ok()) return std::nullopt;
  return LockFrom(retention->TextOf("Mode"), retention->TextOf("RetainUntilDate"));
}

// The 404 of a HEAD has no body, and so does not say what is missing. Where the bucket is, nothing
// is said to be gone from it.
Status WithoutBucket(Requester& requester, const Failure& not_found) {
  const Outcome bucket = requester.Once({.method = "HEAD"});
  if (!bucket.failure.has_value() || bucket.failure->http_status != 404) return not_found.status;
  return Error(Reason::kBucketMissing, "{}; its bucket is not there either",
               MessageOf(not_found.status));
}

}  // namespace

std::string WithoutQuotes(std::string_view etag) { return std::string(Trim(etag, "\"")); }

std::string S3NameOf(ObjectLockMode mode) {
  std::string name(NameOf(mode));
  std::ranges::transform(name, name.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return name;
}

ObjectInfo InfoFrom(const HttpResponse& response, const std::string& name) {
  ObjectInfo info{.name = name,
                  .size = ParseNumber<uint64_t>(response.Header("content-length")).value_or(0),
                  .modified = ParseHttpTime(response.Header("last-modified")).value_or(WallTime()),
                  .etag = WithoutQuotes(response.Header("etag")),
                  .version_id = std::string(response.Header("x-amz-version-id")),
                  .metadata = {},
                  .lock = LockFrom(response.Header("x-amz-object-lock-mode"),
                                   response.Header("x-amz-object-lock-retain-until-date"))};
  for (const auto& [key, value] : response.headers) {
    if (key.starts_with(kMetadata)) info.metadata.emplace(key.substr(kMetadata.size()), value);
  }
  return info;
}

Result<ObjectInfo> HeadObject(Requester& requester, const std::string& key,
                              const std::string& version_id, const std::string& name) {
  S3Call call{.method = "HEAD", .key = key};
  if (!version_id.empty()) call.query = {{"versionId", version_id}};
  Tries again(requester.context(), Requester::kTries);
  while (true) {
    const Outcome outcome = requester.Once(call);
    if (!outcome.failure.has_value()) {
      ObjectInfo info = InfoFrom(outcome.answer.response, name);
      if (!version_id.empty() && !info.lock.has_value())
        info.lock = LockOf(requester, key, version_id);
      return info;
    }
    // A mark that hides an object has a version of its own, and 405 is what it answers.
    if (outcome.failure->http_status == 405)
      return Error(Reason::kNotFound, "{}", MessageOf(outcome.failure->status));
    if (outcome.failure->http_status == 404) return WithoutBucket(requester, *outcome.failure);
    if (!again.Wait(*outcome.failure)) return again.WhyNot(*outcome.failure);
  }
}

}  // namespace etcdrill::objects
