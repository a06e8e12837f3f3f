// What an answer of an object store means that is no success: a Reason for the caller, a word of
// advice for people, and what the client does about it. Codes:
// docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and those of other stores, found by
// trying.
//
// Stores disagree on status and code alike, so a code that is known counts more than the status,
// and a code that is not known has the meaning of its status.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "io/http_client.h"
#include "objects/s3/xml.h"

namespace etcdrill::objects {

enum class Reaction {
  kNone,         // trying again does not help
  kAgain,        // later, it may
  kSlowDown,     // the same, and less at a time
  kClock,        // with the server's time
  kCredentials,  // with new keys
  kRegion,       // signed for another region
};

struct Failure {
  Status status = OkStatus();
  Reaction reaction = Reaction::kNone;
  std::string code = {};                     // S3's word; empty if it had none
  int http_status = 0;                       // 0: no answer came
  std::string region = {};                   // of Reaction::kRegion; empty: it did not say which
  std::optional<WallTime> server_time = {};  // of Reaction::kClock
  Duration retry_after{};                    // what the server asks for; zero: nothing

  // The answer does not say whether the request was carried out, or says that it was not though a
  // first one may have been: only a look at the object tells.
  bool IsOpen() const;
};

// Of an answer with another status than 2xx, and of one whose body is an <Error> all the same. The
// message begins with `what`.
Failure FailureOf(const HttpResponse& response, std::string_view what);
// Of a request that got no whole answer.
Failure FailureOf(const Status& status, std::string_view what);

}  // namespace etcdrill::objects
