#include "objects/s3/s3_objects.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "objects/names.h"
#include "objects/s3/download.h"
#include "objects/s3/head.h"
#include "objects/s3/listing.h"
#include "objects/s3/upload.h"

namespace etcdrill::objects {
namespace {

std::string WithSlash(std::string_view prefix) {
  const std::string_view trimmed = Trim(prefix, "/");
  return trimmed.empty() ? "" : std::string(trimmed) + "/";
}

Query VersionQuery(const std::string& version_id) {
  return version_id.empty() ? Query{} : Query{{"versionId", version_id}};
}

}  // namespace

Result<std::unique_ptr<S3Objects>> S3Objects::Make(const Context& context, HttpClient& http,
                                                   CredentialsProvider& credentials,
                                                   const S3Options& options) {
  const std::string_view region =
      options.region.empty() ? kDefaultRegion : std::string_view(options.region);
  ASSIGN_OR_RETURN(const S3Address address, S3AddressOf(options, region));
  return std::make_unique<S3Objects>(context, http, credentials, options, address);
}

S3Objects::S3Objects(const Context& context, HttpClient& http, CredentialsProvider& credentials,
                     const S3Options& options, const S3Address& address)
    : prefix_(WithSlash(options.prefix)),
      name_(fmt::format("s3://{}/{}", options.bucket, Trim(options.prefix, "/"))),
      requester_(context, http, credentials, options, address) {}

Result<std::unique_ptr<ObjectWriter>> S3Objects::Create(const std::string& name,
                                                        const PutOptions& options) {
  RETURN_IF_ERROR(CheckPut(name, options));
  return StartUpload(requester_, KeyOf(name), name, options);
}

Status S3Objects::Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
                      const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  return Download(requester_, KeyOf(name), version_id, range, sink);
}

Result<ObjectInfo> S3Objects::Head(const std::string& name, const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(ObjectInfo info, HeadObject(requester_, KeyOf(name), version_id, name));
  info.metadata.erase(std::string(kNonceKey));  // ours, and nobody else's
  return info;
}

Status S3Objects::List(const std::string& prefix, const std::string& after, const Visit& visit) {
  return ListObjects(requester_, KeyOf(prefix), after.empty() ? "" : KeyOf(after),
                     [&](const ObjectInfo& object) -> Status {
                       if (!object.name.starts_with(prefix_)) return OkStatus();
                       ObjectInfo info = object;
                       info.name = NameOfKey(object.name);
                       return visit(info);
                     });
}

Status S3Objects::Delete(const std::string& name, const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  const Status status =
      requester_.Send({.method = "DELETE", .key = KeyOf(name), .query = VersionQuery(version_id)})
          .status();
  return Is(status, Reason::kNotFound) ? OkStatus() : status;
}

Status S3Objects::SetLock(const std::string& name, const std::string& version_id,
                          const Lock& lock) {
  RETURN_IF_ERROR(CheckName(name));
  const std::string body = fmt::format(
      "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{}</Mode>"
      "<RetainUntilDate>{}</RetainUntilDate></Retention>",
      S3NameOf(lock.mode), FormatRfc3339(lock.until));
  Query query = VersionQuery(version_id);
  query.insert(query.begin(), {"retention", ""});
  return requester_
      .Send({.method = "PUT",
             .key = KeyOf(name),
             .query = std::move(query),
             .body = body,
             .has_checksum = true})
      .status();
}

Status S3Objects::ListVersions(const std::string& prefix, const VisitVersion& visit) {
  return ListObjectVersions(requester_, KeyOf(prefix), [&](const Version& listed) -> Status {
    if (!listed.object.name.starts_with(prefix_)) return OkStatus();
    Version version = listed;
    version.object.name = NameOfKey(listed.object.name);
    return visit(version);
  });
}

Result<size_t> S3Objects::Sweep(const std::string& prefix, WallTime before) {
  // All of them first: giving one up may move the next page.
  std::vector<OpenUpload> old;
  RETURN_IF_ERROR(ListUploads(requester_, KeyOf(prefix), [&](const OpenUpload& upload) {
    if (upload.begun < before && upload.key.starts_with(KeyOf(prefix))) old.push_back(upload);
    return OkStatus();
  }));
  size_t given_up = 0;
  for (const OpenUpload& upload : old) {
    const Status status =
        requester_.Send({.method = "DELETE", .key = upload.key, .query = {{"uploadId", upload.id}}})
            .status();
    if (status.ok()) ++given_up;
    if (!status.ok() && !Is(status, Reason::kNotFound)) return status;
  }
  return given_up;
}

}  // namespace etcdrill::objects
