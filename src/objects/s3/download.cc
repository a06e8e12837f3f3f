#include "objects/s3/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "objects/s3/head.h"

namespace etcdrill::objects {
namespace {

// So much more, and the way works: the tries are counted anew.
constexpr uint64_t kProgress = uint64_t{1} << 20;

struct ContentRange {
  uint64_t first = 0;
  uint64_t end = 0;  // behind the last byte
  std::optional<uint64_t> size;
};

// "bytes 5-9/100", "bytes 5-9/*".
std::optional<ContentRange> ParseContentRange(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash)
    return std::nullopt;
  const auto first = ParseNumber<uint64_t>(text.substr(0, dash));
  const auto last = ParseNumber<uint64_t>(text.substr(dash + 1, slash - dash - 1));
  if (!first.has_value() || !last.has_value() || *last < *first || *last == UINT64_MAX)
    return std::nullopt;
  return ContentRange{*first, *last + 1, ParseNumber<uint64_t>(text.substr(slash + 1))};
}

class Downloader {
 public:
  Downloader(Requester& requester, const std::string& key, const std::string& version_id,
             const ByteRange& range, const ByteSink& sink)
      : requester_(requester),
        key_(key),
        version_id_(version_id),
        sink_(sink),
        next_(range.offset) {
    if (range.size.has_value()) end_ = range.offset + *range.size;
  }

  Status Run();

 private:
  S3Call NextCall();
  Status Receive(const HttpResponse& head, std::string_view bytes);
  Status TakeHead(const HttpResponse& head);
  bool IsDone() const { return end_.has_value() && next_ >= *end_; }
  Status Problem(Reason reason, std::string_view what) const {
    return Error(reason, "s3://{}/{}: GET: {}", requester_.options().bucket, key_, what);
  }

  Requester& requester_;
  const std::string& key_;
  const std::string& version_id_;
  const ByteSink& sink_;
  uint64_t next_;                // the byte that the sink wants
  std::optional<uint64_t> end_;  // where it ends, once that is known
  std::string etag_;             // of the first answer
  // Of the answer that is being received:
  bool has_head_ = false;
  uint64_t at_ = 0;                // the next byte to come
  bool has_enough_ = false;        // the transfer was ended by us, as nothing more is wanted
  Status own_error_ = OkStatus();  // the sink's, or what is wrong with the answer
};

Status Downloader::Run() {
  Tries again(requester_.context(), Requester::kTries);
  uint64_t progress = next_ + kProgress;
  while (true) {
    has_head_ = has_enough_ = false;
    const Outcome outcome = requester_.Once(NextCall());
    RETURN_IF_ERROR(own_error_);
    if (has_enough_) return OkStatus();
    Failure failure;
    if (outcome.failure.has_value()) {
      failure = *outcome.failure;
      if (failure.http_status == 412)
        return Problem(Reason::kIoError, "the object was replaced while it was read");
    } else {
      // An answer without a byte has not come to Receive.
      if (!has_head_) RETURN_IF_ERROR(TakeHead(outcome.answer.response));
      if (!end_.has_value() || IsDone()) return OkStatus();
      failure = {.status = Problem(Reason::kStreamShort, "the answer ended too early"),
                 .reaction = Reaction::kAgain};
    }
    if (next_ >= progress) {
      again.Renew();
      progress = next_ + kProgress;
    }
    if (!again.Wait(failure)) return again.WhyNot(failure);
  }
}

S3Call Downloader::NextCall() {
  S3Call call{.key = key_};
  if (!version_id_.empty()) call.query = {{"versionId", version_id_}};
  if (next_ > 0 || end_.has_value()) {
    const std::string last = end_.has_value() ? std::to_string(*end_ - 1) : "";
    call.headers.emplace_back("range", fmt::format("bytes={}-{}", next_, last));
  }
  if (!etag_.empty()) call.headers.emplace_back("if-match", fmt::format("\"{}\"", etag_));
  call.receive = [this](const HttpResponse& head, std::string_view bytes) {
    return Receive(head, bytes);
  };
  return call;
}

// Finds out which bytes come, and whether they are of the object that the first ones were of.
Status Downloader::TakeHead(const HttpResponse& head) {
  has_head_ = true;
  const std::string etag = WithoutQuotes(head.Header("etag"));
  if (!etag_.empty() && etag != etag_)
    return Problem(Reason::kIoError, "the object was replaced while it was read");
  etag_ = etag;
  const auto range = ParseContentRange(head.Header("content-range"));
  constexpr int kPartialContent = 206;
  if (head.status == kPartialContent && !range.has_value())
    return Problem(Reason::kIoError, "the answer does not say which part of the object it is");
  at_ = range.has_value() ? range->first : 0;
  if (at_ > next_)
    return Problem(Reason::kIoError, "the answer begins behind the range that was asked for");
  auto end = ParseNumber<uint64_t>(head.Header("content-length"));
  if (range.has_value()) end = range->end;
  if (end_.has_value() && end.has_value() && *end < *end_)
    return Problem(Reason::kUsage,
                   fmt::format("the range ends behind the object's {} bytes", *end));
  if (!end_.has_value()) end_ = end;
  if (!range.has_value() && end_.has_value() && next_ > *end_)
    return Problem(Reason::kUsage,
                   fmt::format("the range begins behind the object's {} bytes", *end_));
  return OkStatus();
}

Status Downloader::Receive(const HttpResponse& head, std::string_view bytes) {
  if (!has_head_) own_error_ = TakeHead(head);
  RETURN_IF_ERROR(own_error_);
  // A store that does not know ranges begins at the beginning.
  const uint64_t before = next_ - at_;
  at_ += bytes.size();
  if (bytes.size() <= before) return OkStatus();
  bytes.remove_prefix(before);
  if (end_.has_value()) bytes = bytes.substr(0, *end_ - next_);
  own_error_ = sink_(bytes);
  RETURN_IF_ERROR(own_error_);
  next_ += bytes.size();
  has_enough_ = IsDone() && at_ > next_;
  return has_enough_ ? Error(Reason::kUsage, "nothing more is wanted") : OkStatus();
}

}  // namespace

Status Download(Requester& requester, const std::string& key, const std::string& version_id,
                const ByteRange& range, const ByteSink& sink) {
  // Neither no byte nor those from the end on can be asked for.
  if (range.offset == 0 && !range.size.has_value())
    return Downloader(requester, key, version_id, range, sink).Run();
  if (!range.size.has_value() || *range.size == 0) {
    ASSIGN_OR_RETURN(const ObjectInfo info, HeadObject(requester, key, version_id, key));
    if (range.offset > info.size)
      return Error(Reason::kUsage, "s3://{}/{}: GET: the range begins behind the object's {} bytes",
                   requester.options().bucket, key, info.size);
    if (range.size.has_value() || range.offset == info.size) return OkStatus();
  }
  if (range.size.has_value() && *range.size > UINT64_MAX - range.offset)
    return Error(Reason::kUsage, "s3://{}/{}: GET: the range ends behind every object",
                 requester.options().bucket, key);
  return Downloader(requester, key, version_id, range, sink).Run();
}

}  // namespace etcdrill::objects
