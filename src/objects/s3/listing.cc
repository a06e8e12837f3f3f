#include "objects/s3/listing.h"

#include <utility>

#include "base/text.h"
#include "objects/s3/head.h"
#include "objects/s3/times.h"

namespace etcdrill::objects {
namespace {

constexpr const char* kPageSize = "1000";

// Keys may hold characters that XML can't, so they are asked for as in a URL; but some stores do
// not do that, and some of these say that they do nothing.
class KeyReader {
 public:
  explicit KeyReader(const XmlElement& page) : encoded_(page.TextOf("EncodingType") == "url") {}

  Result<std::string> Read(std::string_view text) const {
    if (!encoded_) return std::string(text);
    std::string key;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        key += text[i] == '+' ? ' ' : text[i];
        continue;
      }
      const std::string_view digits = text.substr(i + 1, 2);
      const auto byte = ParseNumber<uint8_t>(digits, 16);
      if (digits.size() != 2 || !byte.has_value())
        return Error(Reason::kIoError, "a listed key is encoded wrongly: \"{}\"", Shown(text));
      key += static_cast<char>(*byte);
      i += 2;
    }
    return key;
  }

 private:
  const bool encoded_;
};

Result<ObjectInfo> InfoFrom(const XmlElement& element, const KeyReader& keys) {
  ObjectInfo info;
  ASSIGN_OR_RETURN(info.name, keys.Read(element.TextOf("Key")));
  info.size = ParseNumber<uint64_t>(element.TextOf("Size")).value_or(0);
  info.modified = ParseXmlTime(element.TextOf("LastModified")).value_or(WallTime());
  info.etag = WithoutQuotes(element.TextOf("ETag"));
  info.version_id = element.TextOf("VersionId");
  return info;
}

bool IsLast(const XmlElement& page) { return page.TextOf("IsTruncated") != "true"; }

Status NoProgress(const std::string& what) {
  return Error(Reason::kIoError, "{}: the store says that there is more, but not where", what);
}

// Asks for page after page. `visit` takes one and says with what the next one is asked for.
Status ForEachPage(Requester& requester, const Query& query, std::string_view root,
                   const std::function<Result<Query>(const XmlElement& page)>& visit) {
  Query place;  // where the page begins
  while (true) {
    S3Call call{.query = query, .expects = root};
    call.query.insert(call.query.end(), place.begin(), place.end());
    ASSIGN_OR_RETURN(const S3Answer answer, requester.Send(call));
    ASSIGN_OR_RETURN(Query next, visit(answer.xml));
    if (IsLast(answer.xml)) return OkStatus();
    if (next == place) return NoProgress(requester.WhatOf(call));
    place = std::move(next);
  }
}

}  // namespace

Status ListObjects(Requester& requester, const std::string& prefix, const std::string& after,
                   const ObjectStore::Visit& visit) {
  Query query = {
      {"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", kPageSize}, {"prefix", prefix}};
  if (!after.empty()) query.emplace_back("start-after", after);
  std::string last;
  return ForEachPage(
      requester, query, "ListBucketResult", [&](const XmlElement& page) -> Result<Query> {
        const KeyReader keys(page);
        for (const XmlElement& element : page.children) {
          if (element.name != "Contents") continue;
          ASSIGN_OR_RETURN(ObjectInfo info, InfoFrom(element, keys));
          // Some begin a page with the last one of the page before.
          if (!last.empty() && info.name == last) continue;
          last = info.name;
          RETURN_IF_ERROR(visit(info));
        }
        const std::string_view token = page.TextOf("NextContinuationToken");
        return token.empty() ? Query{} : Query{{"continuation-token", std::string(token)}};
      });
}

Status ListObjectVersions(Requester& requester, const std::string& prefix,
                          const ObjectStore::VisitVersion& visit) {
  const Query query = {
      {"versions", ""}, {"encoding-type", "url"}, {"max-keys", kPageSize}, {"prefix", prefix}};
  return ForEachPage(
      requester, query, "ListVersionsResult", [&](const XmlElement& page) -> Result<Query> {
        const KeyReader keys(page);
        for (const XmlElement& element : page.children) {
          const bool is_marker = element.name == "DeleteMarker";
          if (!is_marker && element.name != "Version") continue;
          ASSIGN_OR_RETURN(ObjectInfo info, InfoFrom(element, keys));
          RETURN_IF_ERROR(visit({.object = std::move(info),
                                 .is_latest = element.TextOf("IsLatest") == "true",
                                 .is_delete_marker = is_marker}));
        }
        if (page.TextOf("NextKeyMarker").empty()) return Query{};
        ASSIGN_OR_RETURN(const std::string key, keys.Read(page.TextOf("NextKeyMarker")));
        return Query{{"key-marker", key},
                     {"version-id-marker", std::string(page.TextOf("NextVersionIdMarker"))}};
      });
}

Status ListUploads(Requester& requester, const std::string& prefix,
                   const std::function<Status(const OpenUpload&)>& visit) {
  const Query query = {
      {"uploads", ""}, {"encoding-type", "url"}, {"max-uploads", kPageSize}, {"prefix", prefix}};
  return ForEachPage(
      requester, query, "ListMultipartUploadsResult", [&](const XmlElement& page) -> Result<Query> {
        const KeyReader keys(page);
        for (const XmlElement& element : page.children) {
          if (element.name != "Upload") continue;
          ASSIGN_OR_RETURN(std::string key, keys.Read(element.TextOf("Key")));
          const auto begun = ParseXmlTime(element.TextOf("Initiated"));
          if (!begun.has_value()) continue;  // nobody can tell that it is old
          RETURN_IF_ERROR(visit({std::move(key), std::string(element.TextOf("UploadId")), *begun}));
        }
        if (page.TextOf("NextKeyMarker").empty()) return Query{};
        ASSIGN_OR_RETURN(const std::string key, keys.Read(page.TextOf("NextKeyMarker")));
        return Query{{"key-marker", key},
                     {"upload-id-marker", std::string(page.TextOf("NextUploadIdMarker"))}};
      });
}

}  // namespace etcdrill::objects
