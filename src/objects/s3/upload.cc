#include "objects/s3/upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "objects/s3/head.h"

namespace etcdrill::objects {
namespace {

constexpr uint64_t kPartMin = uint64_t{8} << 20;
constexpr uint64_t kPartsWanted = 9'000;
constexpr size_t kPartsMax = 10'000;
// A minute or so without the store: what has gone up already would be lost otherwise.
constexpr int kUploadTries = 8;
// For what is given up, also while the program ends.
constexpr Duration kAbortMax = std::chrono::seconds(5);

struct Part {
  std::string etag;
  std::string sha256;  // in base64; of Checksum::kSha256
};

class Upload final : public ObjectWriter {
 public:
  Upload(Requester& requester, const std::string& key, const std::string& name,
         const PutOptions& options)
      : requester_(requester),
        key_(key),
        name_(name),
        options_(options),
        part_size_(PartSizeFor(options.size_max)),
        capacity_(std::max<uint64_t>(kOnePutMax, part_size_)) {
    Random& random = requester.context().random;
    nonce_ = fmt::format("{:016x}{:016x}", random.Next(), random.Next());
  }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() override { Abort(); }

  Status Append(std::string_view bytes) override;
  Result<ObjectInfo> Finish() override;

 private:
  Status Take(std::string_view bytes);
  HttpHeaders FirstHeaders() const;
  Status Begin();
  Status SendParts(bool is_end);
  Status SendPart(std::string_view bytes);
  std::string PartList() const;
  Result<ObjectInfo> MakeVisible(const S3Call& call);
  std::optional<ObjectInfo> OursIn(Result<ObjectInfo> there) const;
  void Abort();

  Requester& requester_;
  const std::string key_;
  const std::string name_;
  const PutOptions options_;
  const uint64_t part_size_;
  uint64_t capacity_;  // of buffer_
  std::string nonce_;
  std::string buffer_;     // what no part has taken yet
  uint64_t size_ = 0;      // of all that was appended
  std::string upload_id_;  // empty: not begun
  std::vector<Part> parts_;
  Status failed_;  // of Append
  bool finished_ = false;
};

// Of the request that begins an object, whichever that is.
HttpHeaders Upload::FirstHeaders() const {
  HttpHeaders headers;
  for (const auto& [key, value] : options_.metadata)
    headers.emplace_back("x-amz-meta-" + key, value);
  headers.emplace_back(fmt::format("x-amz-meta-{}", kNonceKey), nonce_);
  const S3Options& store = requester_.options();
  if (store.sse != Sse::kNone)
    headers.emplace_back("x-amz-server-side-encryption",
                         store.sse == Sse::kKms ? "aws:kms" : "AES256");
  if (store.sse == Sse::kKms && !store.kms_key_id.empty())
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", store.kms_key_id);
  if (options_.lock.has_value()) {
    headers.emplace_back("x-amz-object-lock-mode", S3NameOf(options_.lock->mode));
    headers.emplace_back("x-amz-object-lock-retain-until-date",
                         FormatRfc3339(options_.lock->until));
  }
  return headers;
}

Status Upload::Append(std::string_view bytes) {
  CHECK(!finished_);
  if (failed_.ok()) failed_ = Take(bytes);
  return failed_;
}

Status Upload::Take(std::string_view bytes) {
  if (bytes.size() > options_.size_max - size_)
    return Error(Reason::kUsage, "s3 upload of {}: more than the {} bytes that were to come", name_,
                 options_.size_max);
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (buffer_.size() == capacity_) RETURN_IF_ERROR(SendParts(/*is_end=*/false));
    const std::string_view some = bytes.substr(0, capacity_ - buffer_.size());
    buffer_ += some;
    bytes.remove_prefix(some.size());
  }
  return OkStatus();
}

Result<ObjectInfo> Upload::Finish() {
  CHECK(!finished_);
  RETURN_IF_ERROR(failed_);
  S3Call call{.method = "PUT", .key = key_, .body = buffer_, .has_checksum = true};
  std::string list;
  if (upload_id_.empty()) {
    call.headers = FirstHeaders();
    // Else libcurl might send it twice, and a bucket with versions keep two.
    call.fresh_connection = true;
  } else {
    RETURN_IF_ERROR(SendParts(/*is_end=*/true));
    list = PartList();
    call = {.method = "POST",
            .key = key_,
            .query = {{"uploadId", upload_id_}},
            .body = list,
            .expects = "CompleteMultipartUploadResult"};
  }
  if (requester_.options().put_if_absent) call.headers.emplace_back("if-none-match", "*");
  ASSIGN_OR_RETURN(ObjectInfo info, MakeVisible(call));
  finished_ = true;
  return info;
}

// Sends the request after which the object is there, again and again where that is called for, and
// never believes an answer that may be about an earlier one of them.
Result<ObjectInfo> Upload::MakeVisible(const S3Call& call) {
  Tries again(requester_.context(), kUploadTries);
  while (true) {
    const Outcome outcome = requester_.Once(call);
    if (!outcome.failure.has_value()) {
      const HttpResponse& response = outcome.answer.response;
      ObjectInfo info{.name = name_,
                      .size = size_,
                      .modified = {},
                      .etag = WithoutQuotes(response.Header("etag")),
                      .version_id = std::string(response.Header("x-amz-version-id")),
                      .metadata = options_.metadata,
                      .lock = {}};
      if (!call.expects.empty()) info.etag = WithoutQuotes(outcome.answer.xml.TextOf("ETag"));
      if (!info.etag.empty()) return info;
      // Ceph 16 tells no ETag of an upload that it has just put together.
      return OursIn(HeadObject(requester_, key_, "", name_)).value_or(std::move(info));
    }
    const Failure& failure = *outcome.failure;
    if (failure.IsOpen()) {
      const Result<ObjectInfo> there = HeadObject(requester_, key_, "", name_);
      if (std::optional<ObjectInfo> ours = OursIn(there)) return *std::move(ours);
      if (there.ok() && failure.http_status == 412)
        return Error(Reason::kAlreadyExists, "{}; another upload has written it",
                     MessageOf(failure.status));
    }
    if (failure.code == "NoSuchUpload")
      return Error(Reason::kIoError, "{}; somebody has given up the upload, or it was too old",
                   MessageOf(failure.status));
    // Amazon wants the whole upload anew then, and so does whoever holds the bytes.
    if (failure.http_status == 409 && !upload_id_.empty()) return failure.status;
    if (!again.Wait(failure)) return again.WhyNot(failure);
  }
}

// What this upload has made, if that is what is there.
std::optional<ObjectInfo> Upload::OursIn(Result<ObjectInfo> there) const {
  if (!there.ok()) return std::nullopt;
  const auto nonce = there->metadata.find(std::string(kNonceKey));
  if (nonce == there->metadata.end() || nonce->second != nonce_ || there->size != size_)
    return std::nullopt;
  there->metadata.erase(nonce);
  return *std::move(there);
}

Status Upload::Begin() {
  S3Call call{.method = "POST",
              .key = key_,
              .query = {{"uploads", ""}},
              .headers = FirstHeaders(),
              .expects = "InitiateMultipartUploadResult"};
  if (requester_.options().checksum == Checksum::kSha256)
    call.headers.emplace_back("x-amz-checksum-algorithm", "SHA256");
  // One that is begun twice leaves an upload without parts, which Sweep gives up.
  ASSIGN_OR_RETURN(const S3Answer answer, requester_.Send(call, kUploadTries));
  upload_id_ = answer.xml.TextOf("UploadId");
  if (upload_id_.empty())
    return Error(Reason::kIoError, "{}: the store gives no id", requester_.WhatOf(call));
  capacity_ = part_size_;
  return OkStatus();
}

// Sends the whole parts that the buffer holds, at the end also the rest.
Status Upload::SendParts(bool is_end) {
  if (upload_id_.empty()) RETURN_IF_ERROR(Begin());
  std::string_view rest = buffer_;
  while (rest.size() >= part_size_ || (is_end && !rest.empty())) {
    const std::string_view part = rest.substr(0, part_size_);
    RETURN_IF_ERROR(SendPart(part));
    rest.remove_prefix(part.size());
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return OkStatus();
}

Status Upload::SendPart(std::string_view bytes) {
  if (parts_.size() == kPartsMax)
    return Error(Reason::kNoSpace, "s3 upload of {}: it has more than {} parts of {} bytes", name_,
                 kPartsMax, part_size_);
  const S3Call call{
      .method = "PUT",
      .key = key_,
      .query = {{"partNumber", std::to_string(parts_.size() + 1)}, {"uploadId", upload_id_}},
      .body = bytes,
      .body_sha256 = Sha256Of(bytes),
      .has_checksum = true};
  // A part that arrives twice replaces itself.
  ASSIGN_OR_RETURN(const S3Answer answer, requester_.Send(call, kUploadTries));
  Part part{.etag = std::string(answer.response.Header("etag")), .sha256 = {}};
  if (part.etag.empty())
    return Error(Reason::kIoError, "{}: the store gives no ETag", requester_.WhatOf(call));
  if (requester_.options().checksum == Checksum::kSha256)
    part.sha256 = EncodeBase64(call.body_sha256);
  parts_.push_back(std::move(part));
  return OkStatus();
}

std::string Upload::PartList() const {
  std::string list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < parts_.size(); ++i) {
    list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag>", i + 1,
                        EscapeXml(parts_[i].etag));
    if (!parts_[i].sha256.empty())
      list += fmt::format("<ChecksumSHA256>{}</ChecksumSHA256>", parts_[i].sha256);
    list += "</Part>";
  }
  return list + "</CompleteMultipartUpload>";
}

// A stop does not keep it from doing so: what is left behind costs money until it is swept.
void Upload::Abort() {
  if (upload_id_.empty() || finished_) return;
  const Outcome outcome = requester_.Once(
      {.method = "DELETE", .key = key_, .query = {{"uploadId", upload_id_}}, .time_max = kAbortMax},
      std::stop_token());
  if (outcome.failure.has_value() && outcome.failure->http_status != 404) {
    requester_.context().log.Warn(
        "upload not aborted",
        {{"err", MessageOf(outcome.failure->status)}, {"hint", "a sweep aborts it after a day"}});
  }
}

}  // namespace

uint64_t PartSizeFor(uint64_t size_max) {
  return std::max(kPartMin, (size_max + kPartsWanted - 1) / kPartsWanted);
}

std::unique_ptr<ObjectWriter> StartUpload(Requester& requester, const std::string& key,
                                          const std::string& name, const PutOptions& options) {
  return std::make_unique<Upload>(requester, key, name, options);
}

}  // namespace etcdrill::objects
