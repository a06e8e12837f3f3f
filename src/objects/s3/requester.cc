#include "objects/s3/requester.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

namespace etcdrill::objects {
namespace {

constexpr Duration kPauseMax = std::chrono::seconds(20);
// After a store has said that it is asked too much.
constexpr Duration kOneAtATimeFor = std::chrono::minutes(1);

std::string_view RegionOf(const S3Options& options) {
  return options.region.empty() ? kDefaultRegion : std::string_view(options.region);
}

void AddBodySums(const S3Call& call, Checksum checksum, std::string_view sha256,
                 HttpHeaders& headers) {
  headers.emplace_back("x-amz-content-sha256", Hex(sha256));
  if (!call.has_checksum) return;
  if (checksum == Checksum::kSha256) {
    headers.emplace_back("x-amz-checksum-sha256", EncodeBase64(sha256));
  } else {
    headers.emplace_back("content-md5", EncodeBase64(Md5(call.body)));
  }
}

// A path without a key names the bucket, which has no slash behind it.
std::string PathOf(const S3Address& address, const std::string& key) {
  if (!key.empty() || address.root.size() == 1) return address.root + EncodePath(key);
  return address.root.substr(0, address.root.size() - 1);
}

// gofakes3, which is in `rclone serve s3`, leaves "Result" out of some names.
bool IsRootOf(std::string_view expected, std::string_view name) {
  constexpr std::string_view kResult = "Result";
  if (name == expected) return true;
  return expected.ends_with(kResult) &&
         name == expected.substr(0, expected.size() - kResult.size());
}

bool IsSuccess(int status) { return status >= 200 && status < 300; }

}  // namespace

Requester::Requester(const Context& context, HttpClient& http, CredentialsProvider& credentials,
                     const S3Options& options, const S3Address& address)
    : context_(context),
      http_(http),
      credentials_(credentials),
      options_(options),
      address_(address),
      learned_{std::string(RegionOf(options))} {}

std::string Requester::WhatOf(const S3Call& call) const {
  return fmt::format("s3://{}{}{}: {}{}{}", options_.bucket, call.key.empty() ? "" : "/", call.key,
                     call.method, call.query.empty() ? "" : " ?",
                     call.query.empty() ? "" : call.query.front().first);
}

S3Learned Requester::learned() const {
  const std::lock_guard lock(mutex_);
  return learned_;
}

Result<S3Answer> Requester::Send(const S3Call& call, int tries) {
  Tries again(context_, tries);
  while (true) {
    Outcome outcome = Once(call);
    if (!outcome.failure.has_value()) return std::move(outcome.answer);
    if (!again.Wait(*outcome.failure)) return again.WhyNot(*outcome.failure);
  }
}

Outcome Requester::Once(const S3Call& call, const std::stop_token& stop) {
  unsigned done = 0;  // a bit for each Reaction
  while (true) {
    Outcome outcome = SignAndSend(call, stop);
    if (!outcome.failure.has_value()) return outcome;
    ExplainHead(call, stop, outcome);
    if (outcome.failure->reaction == Reaction::kSlowDown) {
      const std::lock_guard lock(mutex_);
      one_at_a_time_until_ = context_.clock.Monotonic() + kOneAtATimeFor;
    }
    if (!Prepare(*outcome.failure, done)) return outcome;
  }
}

// Does what makes a failed request worth sending again at once. False: nothing does, or it was done
// already.
bool Requester::Prepare(const Failure& failure, unsigned& done) {
  const unsigned bit = 1U << static_cast<unsigned>(failure.reaction);
  if ((done & bit) != 0) return false;
  done |= bit;
  switch (failure.reaction) {
    case Reaction::kClock:
      return CorrectClock(failure);
    case Reaction::kCredentials:
      credentials_.Refused();
      return true;
    case Reaction::kRegion:
      return LearnRegion(failure);
    case Reaction::kNone:
    case Reaction::kAgain:
    case Reaction::kSlowDown:
      break;
  }
  return false;
}

bool Requester::CorrectClock(const Failure& failure) {
  if (!failure.server_time.has_value()) return false;
  const Duration correction = *failure.server_time - context_.clock.Now();
  {
    const std::lock_guard lock(mutex_);
    learned_.clock_correction = correction;
  }
  context_.log.Warn("object store clock differs",
                    {{"bucket", options_.bucket}, {"ahead", correction}});
  return true;
}

bool Requester::LearnRegion(const Failure& failure) {
  const Result<S3Address> address = S3AddressOf(options_, failure.region);
  if (failure.region.empty() || !address.ok()) return false;
  {
    const std::lock_guard lock(mutex_);
    learned_.region = failure.region;
    address_ = *address;
  }
  context_.log.Warn("bucket region differs", {{"bucket", options_.bucket},
                                              {"region", failure.region},
                                              {"hint", "set the region of the site"}});
  return true;
}

Outcome Requester::SignAndSend(const S3Call& call, const std::stop_token& stop) {
  const std::string what = WhatOf(call);
  const Result<Credentials> credentials = credentials_.Current();
  if (!credentials.ok()) return {{}, FailureOf(credentials.status(), what)};
  std::unique_lock lock(mutex_);
  const S3Address address = address_;
  const S3Learned learned = learned_;
  const bool is_slow = context_.clock.Monotonic() < one_at_a_time_until_;
  lock.unlock();

  const std::string path = PathOf(address, call.key);
  const std::string query = EncodeQuery(call.query);
  HttpHeaders headers = call.headers;
  headers.emplace_back("host", address.host);
  const std::string sha256 = call.body_sha256.empty() ? Sha256Of(call.body) : call.body_sha256;
  AddBodySums(call, options_.checksum, sha256, headers);
  const std::string sha256_hex = Hex(sha256);
  const HttpRequest request{
      .method = call.method,
      .url = fmt::format("{}://{}{}{}{}", address.scheme, address.host, path,
                         query.empty() ? "" : "?", query),
      .headers = Sign({call.method, path, query, std::move(headers), sha256_hex}, *credentials,
                      {learned.region}, context_.clock.Now() + learned.clock_correction),
      .body = call.body,
      .receive = call.receive,
      .time_max = call.time_max,
      .fresh_connection = call.fresh_connection};

  // What receives bytes may itself ask this store for something, so it never holds up others.
  std::unique_lock<std::mutex> turn;
  if (is_slow && call.receive == nullptr) turn = std::unique_lock(one_at_a_time_);
  Result<HttpResponse> response = http_.Send(request, stop);
  if (turn.owns_lock()) turn.unlock();
  if (!response.ok()) return {{}, FailureOf(response.status(), what)};

  Outcome outcome{{*std::move(response), {}}, {}};
  const HttpResponse& answer = outcome.answer.response;
  if (!IsSuccess(answer.status)) {
    outcome.failure = FailureOf(answer, what);
    if (ReasonOf(outcome.failure->status) == Reason::kCredentials) {
      outcome.failure->status =
          Error(Reason::kCredentials, "{} (key id {}, region {}, host {})",
                MessageOf(outcome.failure->status), Shown(credentials->access_key_id),
                learned.region, address.host);
    }
  } else if (!call.expects.empty()) {
    Result<XmlElement> xml = ParseXml(answer.body);
    if (xml.ok() && IsRootOf(call.expects, xml->name)) {
      outcome.answer.xml = *std::move(xml);
    } else {  // an <Error>, or something else altogether
      outcome.failure = FailureOf(answer, what);
    }
  }
  return outcome;
}

void Requester::ExplainHead(const S3Call& call, const std::stop_token& stop, Outcome& outcome) {
  const int status = outcome.failure->http_status;
  if (call.method != "HEAD" || (status != 400 && status != 403)) return;
  S3Call get = call;
  get.method = "GET";
  get.headers.emplace_back("range", "bytes=0-0");
  bool is_there = false;
  get.receive = [&](const HttpResponse&, std::string_view) {
    is_there = true;
    return Error(Reason::kUsage, "only its error is wanted");
  };
  Outcome explained = SignAndSend(get, stop);
  if (is_there || !explained.failure.has_value()) {
    outcome.failure->reaction = Reaction::kAgain;  // it was wrong only then
  } else if (explained.failure->http_status >= 300) {
    outcome.failure = std::move(explained.failure);
  }
}

bool Tries::Wait(const Failure& failure) {
  const bool may_help =
      failure.reaction == Reaction::kAgain || failure.reaction == Reaction::kSlowDown;
  if (!may_help || made_ == max_) return false;
  ++made_;
  const auto part = static_cast<double>(context_.random.Next() >> 11) / 0x1p53;
  const Duration jitter(static_cast<int64_t>(part * static_cast<double>(longest_.count())));
  longest_ = std::min(longest_ * 2, kPauseMax);
  return context_.clock.SleepFor(std::max(jitter, failure.retry_after), context_.stop);
}

void Tries::Renew() {
  made_ = 1;
  longest_ = kFirst;
}

Status Tries::WhyNot(const Failure& failure) const {
  if (context_.stop.stop_requested())
    return Error(Reason::kInterrupted, "{}; interrupted", MessageOf(failure.status));
  if (made_ == 1) return failure.status;
  return Error(ReasonOf(failure.status), "{}; tried {} times", MessageOf(failure.status), made_);
}

}  // namespace etcdrill::objects
