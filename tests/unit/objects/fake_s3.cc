#include "unit/objects/fake_s3.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace etcdrill::objects {
namespace {

std::string_view HeaderOf(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string TargetOf(const std::string& url) {
  return url.substr(url.find('/', url.find("://") + 3));
}

std::string ValueOf(const std::string& target, const std::string& name) {
  const std::string query = target.substr(std::min(target.find('?'), target.size() - 1) + 1);
  for (const std::string_view pair : Split(query, '&')) {
    if (pair.starts_with(name + "=")) return std::string(pair.substr(name.size() + 1));
  }
  return {};
}

HttpHeaders Told(const HttpRequest& request) {
  HttpHeaders told;
  for (const auto& [name, value] : request.headers) {
    if (name.starts_with("x-amz-meta-") || name.starts_with("x-amz-object-lock-"))
      told.emplace_back(name, value);
  }
  return told;
}

}  // namespace

HttpResponse S3ErrorAnswer(int status, const std::string& code, HttpHeaders headers,
                           const std::string& more) {
  return {status, std::move(headers),
          fmt::format("<?xml version=\"1.0\"?>\n<Error><Code>{}</Code><Message>so it is</Message>"
                      "{}</Error>",
                      code, more)};
}

std::string_view FakeS3::Seen::Header(std::string_view name) const {
  return HeaderOf(headers, name);
}

void FakeS3::Break(std::string method, std::string match, Act act, int times) {
  faults_.push_back({std::move(method), std::move(match), std::move(act), times});
}

FakeS3::Act FakeS3::Lost() {
  return [](FakeS3& fake, const HttpRequest& request) -> Result<HttpResponse> {
    fake.Handle(request);
    return Error(Reason::kStreamCut, "the answer is lost");
  };
}

FakeS3::Act FakeS3::Cut() {
  return [](FakeS3&, const HttpRequest&) -> Result<HttpResponse> {
    return Error(Reason::kStreamCut, "the connection broke");
  };
}

FakeS3::Act FakeS3::Answers(int status, std::string code, HttpHeaders headers, std::string more) {
  return AnswersWith(S3ErrorAnswer(status, code, std::move(headers), more));
}

FakeS3::Act FakeS3::AnswersWith(HttpResponse response) {
  return [response = std::move(response)](FakeS3&, const HttpRequest& request) {
    HttpResponse answer = response;
    if (request.method == "HEAD") answer.body.clear();
    return Deliver(request, std::move(answer));
  };
}

FakeS3::Act FakeS3::Short(size_t bytes) {
  return [bytes](FakeS3& fake, const HttpRequest& request) -> Result<HttpResponse> {
    const auto response = Deliver(request, fake.Handle(request), bytes);
    if (!response.ok()) return response;
    return Error(Reason::kStreamShort, "the body ended before its length");
  };
}

Result<HttpResponse> FakeS3::Deliver(const HttpRequest& request, HttpResponse response,
                                     size_t bytes_max) {
  if (request.receive == nullptr || (response.status != 200 && response.status != 206))
    return response;
  std::string body;
  std::swap(body, response.body);
  std::string_view rest = std::string_view(body).substr(0, bytes_max);
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, 1000);
    RETURN_IF_ERROR(request.receive(response, piece));
    rest.remove_prefix(piece.size());
  }
  return response;
}

Result<HttpResponse> FakeS3::Send(const HttpRequest& request, const std::stop_token& stop) {
  if (stop.stop_requested()) return Error(Reason::kInterrupted, "interrupted");
  const std::string target = TargetOf(request.url);
  seen.push_back({request.method, target, request.headers, std::string(request.body),
                  request.fresh_connection});
  const auto fault = std::ranges::find_if(faults_, [&](const Fault& f) {
    return f.method == request.method && target.find(f.match) != std::string::npos;
  });
  if (fault == faults_.end()) return Deliver(request, Handle(request));
  const Act act = fault->act;
  if (--fault->times == 0) faults_.erase(fault);
  return act(*this, request);
}

int FakeS3::Count(std::string_view method, std::string_view match) const {
  return static_cast<int>(std::ranges::count_if(seen, [&](const Seen& request) {
    return request.method == method && request.target.find(match) != std::string::npos;
  }));
}

HttpResponse FakeS3::Store(const HttpRequest& request, const std::string& path, Object object) {
  if (knows_conditions && HeaderOf(request.headers, "if-none-match") == "*" &&
      objects.contains(path))
    return S3ErrorAnswer(412, "PreconditionFailed");
  object.etag = Hex(Sha256Of(object.bytes)).substr(0, 32);
  const std::string etag = object.etag;
  objects[path] = std::move(object);
  return {200, {{"etag", "\"" + etag + "\""}}, ""};
}

HttpResponse FakeS3::List(const std::string& path) const {
  std::string body = "<ListBucketResult><IsTruncated>false</IsTruncated>";
  for (const auto& [key, object] : objects) {
    if (key.starts_with(path + "/"))
      body += fmt::format(
          "<Contents><Key>{}</Key><Size>{}</Size><ETag>&quot;{}&quot;</ETag></Contents>",
          key.substr(path.size() + 1), object.bytes.size(), object.etag);
  }
  return {200, {}, body + "</ListBucketResult>"};
}

HttpResponse FakeS3::Handle(const HttpRequest& request) {
  const std::string target = TargetOf(request.url);
  const std::string path = target.substr(0, target.find('?'));
  const std::string upload = ValueOf(target, "uploadId");
  if (target.find("list-type=2") != std::string::npos) return List(path);
  if (std::ranges::count(path, '/') == 1) return {200, {}, ""};  // the bucket
  if (target.find("?uploads=") != std::string::npos) {
    const std::string id = fmt::format("U{}", ++made_);
    uploads[id] = {{.bytes = {}, .headers = Told(request), .etag = {}}, {}};
    return {200,
            {},
            fmt::format("<InitiateMultipartUploadResult><UploadId>{}</UploadId>"
                        "</InitiateMultipartUploadResult>",
                        id)};
  }
  if (!upload.empty()) {
    const auto found = uploads.find(upload);
    if (found == uploads.end()) return S3ErrorAnswer(404, "NoSuchUpload");
    if (request.method == "PUT") {
      found->second.second[std::stoi(ValueOf(target, "partNumber"))] = request.body;
      return {200, {{"etag", "\"part\""}}, ""};
    }
    if (request.method == "DELETE") {
      uploads.erase(found);
      return {204, {}, ""};
    }
    Object object = found->second.first;
    for (const auto& [number, bytes] : found->second.second) object.bytes += bytes;
    HttpResponse stored = Store(request, path, object);
    if (stored.status != 200) return stored;
    uploads.erase(found);
    stored.body =
        "<CompleteMultipartUploadResult><ETag>&#34;e-2&#34;</ETag>"
        "</CompleteMultipartUploadResult>";
    return stored;
  }
  if (request.method == "PUT")
    return Store(request, path,
                 {.bytes = std::string(request.body), .headers = Told(request), .etag = {}});
  const auto object = objects.find(path);
  if (request.method == "DELETE") {
    if (object != objects.end()) objects.erase(object);
    return {204, {}, ""};
  }
  if (object == objects.end())
    return request.method == "HEAD" ? HttpResponse{404, {}, ""} : S3ErrorAnswer(404, "NoSuchKey");
  HttpResponse answer{200, object->second.headers, object->second.bytes};
  answer.headers.emplace_back("etag", "\"" + object->second.etag + "\"");
  const std::string_view wanted = HeaderOf(request.headers, "if-match");
  if (!wanted.empty() && wanted != "\"" + object->second.etag + "\"")
    return S3ErrorAnswer(412, "PreconditionFailed");
  if (const std::string_view range = HeaderOf(request.headers, "range"); !range.empty()) {
    const size_t dash = range.find('-');
    const uint64_t first = *ParseNumber<uint64_t>(range.substr(6, dash - 6));
    const uint64_t size = object->second.bytes.size();
    if (first >= size) return S3ErrorAnswer(416, "InvalidRange");
    const uint64_t last =
        std::min(ParseNumber<uint64_t>(range.substr(dash + 1)).value_or(size - 1), size - 1);
    answer.status = 206;
    answer.body = object->second.bytes.substr(first, last + 1 - first);
    answer.headers.emplace_back("content-range", fmt::format("bytes {}-{}/{}", first, last, size));
  }
  answer.headers.emplace_back("content-length", std::to_string(answer.body.size()));
  if (request.method == "HEAD") answer.body.clear();
  return answer;
}

}  // namespace etcdrill::objects
