#include "objects/s3/sts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "objects/s3/endpoint_answer.h"
#include "objects/s3/signer.h"
#include "objects/s3/xml.h"
#include "objects/timestamp.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

constexpr int kTries = 3;
constexpr Duration kPause = 1s;
constexpr Duration kTimeMax = 20s;
constexpr size_t kAnswerMax = 64 << 10;

// What a code of the service means that contains `part`. The first match counts.
struct Meaning {
  std::string_view part;
  bool may_pass;
  std::string_view advice;
};
constexpr std::array kMeanings = {
    Meaning{"IDPCommunicationError", true, "the service can't reach the issuer of the token"},
    Meaning{"Throttl", true, "too many calls; ask less often"},
    Meaning{"RequestLimitExceeded", true, "too many calls; ask less often"},
    Meaning{"InternalFailure", true, "the service is not well"},
    Meaning{"ServiceUnavailable", true, "the service is not well"},
    Meaning{"ExpiredToken", false,
            "what was shown has ended: is the token file still rotated, and does the clock of this "
            "machine go right?"},
    Meaning{"InvalidIdentityToken", false,
            "make the issuer of the token known to IAM (the OIDC provider of the cluster), with "
            "the audience sts.amazonaws.com"},
    Meaning{"AccessDenied", false,
            "let the trust policy of the role name this user or service account"},
    Meaning{"InvalidClientTokenId", false, "these keys are not known there"},
    Meaning{"SignatureDoesNotMatch", false, "the secret does not belong to the key id"},
    Meaning{"RegionDisabled", false, "switch the service on for this region, or name another one"},
    Meaning{"", false, ""},
};

const Meaning& MeaningOf(std::string_view code) {
  return *std::ranges::find_if(kMeanings, [code](const Meaning& meaning) {
    return code.find(meaning.part) != std::string_view::npos;
  });
}

const XmlElement* Find(const XmlElement& root, std::span<const std::string_view> path) {
  const XmlElement* at = &root;
  for (const std::string_view name : path) {
    if (at != nullptr) at = at->Child(name);
  }
  return at;
}

// "https://HOST:PORT/PATH" -> HOST:PORT and /PATH.
struct UrlParts {
  std::string host;
  std::string path;
};
UrlParts PartsOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const size_t slash = url.find('/');
  UrlParts parts = {std::string(url.substr(0, slash)), "/"};
  if (slash != std::string_view::npos) parts.path = url.substr(slash);
  return parts;
}

}  // namespace

struct Sts::Call {
  std::string action;
  Query form;
  const Credentials* signed_with;  // null: unsigned
  std::string secret;              // what must not be quoted from the answer
  std::string source;
};

StsEndpoint FindSts(const Environment& environment, const std::string& region) {
  StsEndpoint endpoint = {.region = region};
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (endpoint.region.empty()) endpoint.region = ValueIn(environment, name);
  }
  for (const char* name : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}) {
    if (endpoint.url.empty()) endpoint.url = ValueIn(environment, name);
  }
  if (endpoint.url.empty() && endpoint.region.empty()) {
    endpoint.url = "https://sts.amazonaws.com/";
  } else if (endpoint.url.empty()) {
    const std::string_view top = endpoint.region.starts_with("cn-") ? ".cn" : "";
    endpoint.url = fmt::format("https://sts.{}.amazonaws.com{}/", endpoint.region, top);
  }
  if (endpoint.region.empty()) endpoint.region = "us-east-1";
  return endpoint;
}

Result<Credentials> Sts::AssumeRole(const Role& role, const Credentials& as) const {
  Call call = {.action = "AssumeRole",
               .form = {{"RoleArn", role.arn}},
               .signed_with = &as,
               .secret = as.session_token,
               .source = fmt::format("role {} (by {})", role.arn, as.source)};
  if (!role.external_id.empty()) call.form.emplace_back("ExternalId", role.external_id);
  call.form.emplace_back("RoleSessionName", role.session_name);
  call.form.emplace_back("DurationSeconds", role.duration_seconds);
  return Carry(call);
}

Result<Credentials> Sts::AssumeRoleWithWebIdentity(const Role& role,
                                                   const std::string& token) const {
  Call call = {.action = "AssumeRoleWithWebIdentity",
               .form = {{"RoleArn", role.arn}, {"WebIdentityToken", token}},
               .signed_with = nullptr,
               .secret = token,
               .source = fmt::format("web identity, role {}", role.arn)};
  call.form.emplace_back("RoleSessionName", role.session_name);
  call.form.emplace_back("DurationSeconds", role.duration_seconds);
  return Carry(call);
}

Result<Credentials> Sts::Carry(const Call& call) const {
  for (int tries = 1;; ++tries) {
    bool may_pass = false;
    Result<Credentials> keys = TryOnce(call, may_pass);
    if (keys.ok() || !may_pass || tries == kTries || IsInterrupted(keys.status())) return keys;
    if (!context_.clock.SleepFor(kPause, context_.stop))
      return Error(Reason::kInterrupted, "interrupted");
  }
}

Result<Credentials> Sts::TryOnce(const Call& call, bool& may_pass) const {
  const std::string what = fmt::format("{}: {} at {}", call.source, call.action, endpoint_.url);
  Query form = call.form;
  form.insert(form.end(), {{"Action", call.action}, {"Version", "2011-06-15"}});
  for (auto& [name, value] : form) {
    if (name == "RoleSessionName" && value.empty()) value = "etcdrill";
  }
  std::erase_if(form, [](const auto& field) { return field.second.empty(); });
  const std::string body = EncodeQuery(form);

  const UrlParts at = PartsOf(endpoint_.url);
  HttpHeaders headers = {{"host", at.host}};
  if (call.signed_with != nullptr) {
    headers = Sign({.method = "POST",
                    .path = at.path,
                    .query = "",
                    .headers = std::move(headers),
                    .body_sha256 = Hex(Sha256Of(body))},
                   *call.signed_with, {.region = endpoint_.region, .service = "sts"},
                   context_.clock.Now());
  }
  headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  may_pass = true;
  const bool has_path = endpoint_.url.find('/', endpoint_.url.find("://") + 3) != std::string::npos;
  const Result<HttpResponse> answer = http_.Send({.method = "POST",
                                                  .url = endpoint_.url + (has_path ? "" : "/"),
                                                  .headers = headers,
                                                  .body = body,
                                                  .body_max = kAnswerMax,
                                                  .time_max = kTimeMax},
                                                 context_.stop);
  if (!answer.ok()) return Annotate(answer.status(), "{}", what);
  may_pass = answer->status >= 500 || answer->status == 429;

  const Result<XmlElement> root = ParseXml(answer->body);
  if (answer->status != 200) {
    const XmlElement* error = root.ok() ? root->Child("Error") : nullptr;
    if (error == nullptr && root.ok()) error = &*root;  // as S3 writes it
    const std::string code(error != nullptr ? error->TextOf("Code") : "");
    const std::string words(error != nullptr ? error->TextOf("Message") : answer->body);
    const Meaning& meaning = MeaningOf(code);
    may_pass = may_pass || meaning.may_pass;
    return Error(may_pass ? Reason::kIoError : Reason::kCredentials, "{}: {} {}: {}{}{}", what,
                 answer->status, code, Quoted(words, call.secret),
                 meaning.advice.empty() ? "" : "; ", meaning.advice);
  }
  const XmlElement* given =
      root.ok()
          ? Find(*root, std::array<std::string_view, 2>{call.action + "Result", "Credentials"})
          : nullptr;
  if (given == nullptr)
    return Error(Reason::kIoError, "{}: 200, and no keys; is this an STS endpoint?", what);
  return CheckGiven({.access_key_id = std::string(given->TextOf("AccessKeyId")),
                     .secret_access_key = std::string(given->TextOf("SecretAccessKey")),
                     .session_token = std::string(given->TextOf("SessionToken")),
                     .end = ParseTimestamp(given->TextOf("Expiration")),
                     .source = call.source},
                    what);
}

}  // namespace etcdrill::objects
