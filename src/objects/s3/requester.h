// Requests to one bucket: signed, sent, and answered as far as the answer is about the request and
// not about the object: another region, a clock that differs, keys that have ended, a store that is
// busy.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "io/context.h"
#include "io/http_client.h"
#include "objects/s3/address.h"
#include "objects/s3/credentials.h"
#include "objects/s3/errors.h"
#include "objects/s3/signer.h"
#include "objects/s3/xml.h"

namespace etcdrill::objects {

struct S3Call {
  std::string method = "GET";
  std::string key = {};  // with the prefix; empty: the bucket itself
  Query query = {};
  HttpHeaders headers = {};  // all are signed; names in lower case
  std::string_view body = {};
  std::string body_sha256 = {};   // the raw bytes; empty: not known yet
  bool has_checksum = false;      // the store is to keep it
  std::string_view expects = {};  // the root element of the answer; empty: no XML
  std::function<Status(const HttpResponse& head, std::string_view bytes)> receive = {};
  bool fresh_connection = false;
  Duration time_max{};
};

struct S3Answer {
  HttpResponse response;
  XmlElement xml;  // if one was expected
};

struct Outcome {
  S3Answer answer;
  std::optional<Failure> failure;  // none: the answer is what was asked for
};

// What the store has taught us; of what is configured, it may differ.
struct S3Learned {
  std::string region;
  Duration clock_correction{};  // to be added to our clock's time
};

// Safe for use from any thread.
class Requester {
 public:
  // `http` and `credentials` must outlive it, and the seams of `context`.
  Requester(const Context& context, HttpClient& http, CredentialsProvider& credentials,
            const S3Options& options, const S3Address& address);
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;

  // One try, as far as the caller sees: once each, a request is sent again with the server's time,
  // with new keys, and for the region that the server names.
  Outcome Once(const S3Call& call) { return Once(call, context_.stop); }
  Outcome Once(const S3Call& call, const std::stop_token& stop);
  // Up to `tries` times while that may help, with pauses in between. Only for what may be carried
  // out twice.
  Result<S3Answer> Send(const S3Call& call, int tries = kTries);

  // "s3://BUCKET/KEY: PUT", for errors.
  std::string WhatOf(const S3Call& call) const;
  const Context& context() const [[clang::lifetimebound]] { return context_; }
  const S3Options& options() const [[clang::lifetimebound]] { return options_; }
  S3Learned learned() const;

  static constexpr int kTries = 4;

 private:
  Outcome SignAndSend(const S3Call& call, const std::stop_token& stop);
  // Of a HEAD, whose error has no body: what a GET says.
  void ExplainHead(const S3Call& call, const std::stop_token& stop, Outcome& outcome);
  bool Prepare(const Failure& failure, unsigned& done);
  bool CorrectClock(const Failure& failure);
  bool LearnRegion(const Failure& failure);

  const Context context_;
  HttpClient& http_;
  CredentialsProvider& credentials_;
  const S3Options options_;

  mutable std::mutex mutex_;
  S3Address address_;                  // guarded by mutex_
  S3Learned learned_;                  // guarded by mutex_
  MonotonicTime one_at_a_time_until_;  // guarded by mutex_
  std::mutex one_at_a_time_;           // held while a request is on its way, until then
};

// The pauses between the tries of one request: full jitter, doubled each time from half a second to
// 20 s, and what the server asked for
// (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter). Not safe for use from several
// threads.
class Tries {
 public:
  Tries(const Context& context, int tries) : context_(context), max_(tries) {}
  // Waits before the next try. False if there is to be none: it would not help, all are used up, or
  // a stop was requested.
  bool Wait(const Failure& failure);
  // Something got through: all tries are there again.
  void Renew();
  // The error after Wait has said no.
  Status WhyNot(const Failure& failure) const;

 private:
  const Context& context_;
  const int max_;
  int made_ = 1;
  Duration longest_ = kFirst;

  static constexpr Duration kFirst = std::chrono::milliseconds(500);
};

}  // namespace etcdrill::objects
