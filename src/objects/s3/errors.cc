#include "objects/s3/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "objects/s3/times.h"

namespace etcdrill::objects {
namespace {

constexpr size_t kTextMax = 256;
constexpr Duration kRetryAfterMax = std::chrono::seconds(60);

struct Meaning {
  std::string_view code;
  Reason reason;
  Reaction reaction;
  std::string_view advice;
};

constexpr std::string_view kNewKeys =
    "the keys have ended, or were withdrawn: look where they come from";
constexpr std::string_view kOtherRegion = "set the region of the bucket";
constexpr std::string_view kFull = "the bucket or its quota is full";
constexpr std::string_view kNoLock =
    "the bucket was made without object lock: lock nothing there, or make another one";

constexpr std::array kCodes = {
    // What is not there.
    Meaning{"NoSuchKey", Reason::kNotFound, Reaction::kNone, ""},
    Meaning{"NoSuchVersion", Reason::kNotFound, Reaction::kNone, ""},
    Meaning{"NoSuchUpload", Reason::kNotFound, Reaction::kNone, ""},
    Meaning{"NoSuchBucket", Reason::kBucketMissing, Reaction::kNone,
            "check its name, the endpoint and the account; etcdrill makes no buckets"},
    Meaning{"PreconditionFailed", Reason::kAlreadyExists, Reaction::kNone, ""},
    // Who asks.
    Meaning{"SignatureDoesNotMatch", Reason::kCredentials, Reaction::kNone,
            "the secret key is not that of the key id, or a proxy changes requests"},
    Meaning{"InvalidAccessKeyId", Reason::kCredentials, Reaction::kCredentials,
            "the store does not know this key id: check it, and the endpoint"},
    Meaning{"InvalidToken", Reason::kCredentials, Reaction::kCredentials, kNewKeys},
    Meaning{"InvalidClientTokenId", Reason::kCredentials, Reaction::kCredentials, kNewKeys},
    Meaning{"ExpiredToken", Reason::kCredentials, Reaction::kCredentials, kNewKeys},
    Meaning{"TokenRefreshRequired", Reason::kCredentials, Reaction::kCredentials, kNewKeys},
    Meaning{"NotSignedUp", Reason::kCredentials, Reaction::kNone, "the account is not active"},
    Meaning{"RequestTimeTooSkewed", Reason::kCredentials, Reaction::kClock,
            "the clocks of this machine and of the store differ: synchronise them"},
    Meaning{"RequestExpired", Reason::kCredentials, Reaction::kClock,
            "the clocks of this machine and of the store differ: synchronise them"},
    Meaning{"AccessDenied", Reason::kAccessDenied, Reaction::kNone,
            "the key lacks the right to do this, the object is locked, or the secret key is wrong"},
    Meaning{"AllAccessDisabled", Reason::kAccessDenied, Reaction::kNone, ""},
    Meaning{"InvalidObjectState", Reason::kAccessDenied, Reaction::kNone,
            "the object is in an archive: bring it back from there first"},
    Meaning{"ObjectLocked", Reason::kAccessDenied, Reaction::kNone, "the object is locked"},
    // Where.
    Meaning{"PermanentRedirect", Reason::kUsage, Reaction::kRegion, kOtherRegion},
    Meaning{"TemporaryRedirect", Reason::kUsage, Reaction::kRegion, kOtherRegion},
    Meaning{"Redirect", Reason::kUsage, Reaction::kRegion, kOtherRegion},
    Meaning{"AuthorizationHeaderMalformed", Reason::kUsage, Reaction::kRegion, kOtherRegion},
    Meaning{"IllegalLocationConstraintException", Reason::kUsage, Reaction::kRegion, kOtherRegion},
    // What may pass.
    Meaning{"SlowDown", Reason::kIoError, Reaction::kSlowDown, ""},
    Meaning{"ServiceUnavailable", Reason::kIoError, Reaction::kSlowDown, ""},
    Meaning{"TooManyRequests", Reason::kIoError, Reaction::kSlowDown, ""},
    Meaning{"Throttling", Reason::kIoError, Reaction::kSlowDown, ""},
    Meaning{"ThrottlingException", Reason::kIoError, Reaction::kSlowDown, ""},
    Meaning{"RequestLimitExceeded", Reason::kIoError, Reaction::kSlowDown, ""},
    Meaning{"InternalError", Reason::kIoError, Reaction::kAgain, ""},
    Meaning{"RequestTimeout", Reason::kTimeout, Reaction::kAgain, ""},
    Meaning{"IncompleteBody", Reason::kStreamCut, Reaction::kAgain, ""},
    Meaning{"OperationAborted", Reason::kIoError, Reaction::kAgain, ""},
    Meaning{"ConditionalRequestConflict", Reason::kIoError, Reaction::kAgain, ""},
    Meaning{"BadDigest", Reason::kIoError, Reaction::kAgain, "bytes change on their way"},
    Meaning{"InvalidDigest", Reason::kIoError, Reaction::kAgain, "bytes change on their way"},
    Meaning{"XAmzContentSHA256Mismatch", Reason::kIoError, Reaction::kAgain,
            "bytes change on their way"},
    // Room.
    Meaning{"QuotaExceeded", Reason::kNoSpace, Reaction::kNone, kFull},
    Meaning{"EntityTooLarge", Reason::kNoSpace, Reaction::kNone,
            "the store does not take so large an object"},
    Meaning{"InsufficientStorage", Reason::kNoSpace, Reaction::kNone, kFull},
    Meaning{"XMinioStorageFull", Reason::kNoSpace, Reaction::kNone, kFull},
    Meaning{"XMinioAdminBucketQuotaExceeded", Reason::kNoSpace, Reaction::kNone, kFull},
    // What was asked.
    Meaning{"InvalidRange", Reason::kUsage, Reaction::kNone, "the object is shorter"},
    Meaning{"NotImplemented", Reason::kUsage, Reaction::kNone, "the store can't do this"},
    Meaning{"ObjectLockConfigurationNotFoundError", Reason::kUsage, Reaction::kNone, kNoLock},
};

constexpr std::string_view kNotS3 = "this is not an answer of an object store: check the endpoint";
// By status, where no code is known. A 404 without a code is a word of some other server on the
// way, not of the store on the object.
Meaning MeaningOf(int status) {
  switch (status) {
    case 401:
      return {"", Reason::kCredentials, Reaction::kNone, ""};
    case 403:
      return {"", Reason::kAccessDenied, Reaction::kNone, ""};
    case 408:
      return {"", Reason::kTimeout, Reaction::kAgain, ""};
    case 409:
      return {"", Reason::kIoError, Reaction::kAgain, ""};
    case 412:
      return {"", Reason::kAlreadyExists, Reaction::kNone, ""};
    case 416:
      return {"", Reason::kUsage, Reaction::kNone, "the object is shorter"};
    case 429:
    case 503:
      return {"", Reason::kIoError, Reaction::kSlowDown, ""};
    case 501:
      return {"", Reason::kUsage, Reaction::kNone, "the store can't do this"};
    case 507:
      return {"", Reason::kNoSpace, Reaction::kNone, kFull};
    default:
      break;
  }
  if (status >= 500 || status < 300) return {"", Reason::kIoError, Reaction::kAgain, ""};
  if (status >= 400) return {"", Reason::kUsage, Reaction::kNone, ""};
  return {"", Reason::kUsage, Reaction::kRegion, kOtherRegion};
}

struct Said {
  std::string code;
  std::string message;
  std::string region;
  std::string server_time;
};

Said SaidBy(const HttpResponse& response) {
  Said said;
  if (const Result<XmlElement> error = ParseXml(response.body);
      error.ok() && error->name == "Error") {
    said = {std::string(error->TextOf("Code")), std::string(error->TextOf("Message")),
            std::string(error->TextOf("Region")), std::string(error->TextOf("ServerTime"))};
  }
  if (said.region.empty()) said.region = response.Header("x-amz-bucket-region");
  return said;
}

Meaning MeaningOf(const HttpResponse& response, const Said& said) {
  const auto* const known = std::ranges::find(kCodes, said.code, &Meaning::code);
  Meaning meaning = known != kCodes.end() ? *known : MeaningOf(response.status);
  const bool is_html = said.code.empty() && !response.body.empty();
  if (is_html && meaning.advice.empty()) {
    meaning.advice = kNotS3;
    if (response.status == 404) meaning.reason = Reason::kIoError;
  }
  // Some say InvalidRequest, others InvalidArgument, and mean this.
  if (meaning.reason == Reason::kUsage && meaning.advice.empty() &&
      (said.message.find("Object Lock") != std::string::npos ||
       said.message.find("object lock") != std::string::npos))
    meaning.advice = kNoLock;
  // A HEAD has no body, so its 404 is all that is said.
  if (said.code.empty() && response.body.empty() && response.status == 404)
    meaning.reason = Reason::kNotFound;
  // An answer that another region would have given better, whatever its code.
  if (response.status == 400 && said.code.empty() && !said.region.empty())
    meaning.reaction = Reaction::kRegion;
  return meaning;
}

Duration RetryAfterOf(const HttpResponse& response) {
  const auto seconds = ParseNumber<int64_t>(response.Header("retry-after"));
  if (!seconds.has_value() || *seconds <= 0) return {};
  return std::min<Duration>(std::chrono::seconds(std::min<int64_t>(*seconds, 60)), kRetryAfterMax);
}

}  // namespace

bool Failure::IsOpen() const {
  return reaction == Reaction::kAgain || reaction == Reaction::kSlowDown || http_status == 412 ||
         code == "NoSuchUpload";
}

Failure FailureOf(const HttpResponse& response, std::string_view what) {
  const Said said = SaidBy(response);
  const Meaning meaning = MeaningOf(response, said);
  const std::string_view between = said.message.empty() ? "" : ": ";
  Failure failure{.reaction = meaning.reaction,
                  .code = said.code,
                  .http_status = response.status,
                  .retry_after = RetryAfterOf(response)};
  failure.status =
      Error(meaning.reason, "{}: {}{}{}{}{}{}{}", what, response.status,
            said.code.empty() ? "" : " ", Printable(said.code, kTextMax), between,
            Printable(said.message, kTextMax), meaning.advice.empty() ? "" : "; ", meaning.advice);
  if (meaning.reaction == Reaction::kRegion) failure.region = said.region;
  if (meaning.reaction == Reaction::kClock) {
    failure.server_time = ParseXmlTime(said.server_time);
    if (!failure.server_time.has_value())
      failure.server_time = ParseHttpTime(response.Header("date"));
  }
  return failure;
}

Failure FailureOf(const Status& status, std::string_view what) {
  const Reason reason = ReasonOf(status);
  const bool may_pass = reason == Reason::kConnect || reason == Reason::kTimeout ||
                        reason == Reason::kStreamShort || reason == Reason::kStreamCut;
  return {.status = Annotate(status, what),
          .reaction = may_pass ? Reaction::kAgain : Reaction::kNone};
}

}  // namespace etcdrill::objects
