#include "objects/s3/endpoint_answer.h"

#include <utility>

#include "base/bytes.h"
#include "base/json_reader.h"
#include "base/text.h"
#include "objects/timestamp.h"

namespace etcdrill::objects {

Result<Credentials> ParseGivenKeys(std::string_view body, std::string source,
                                   std::string_view what) {
  const Json json = ParseJson(body);
  if (!json.is_object())
    return Error(Reason::kIoError, "{}: {} bytes that are no JSON object", what, body.size());
  std::string code = "Success";
  std::string message;
  std::string end;
  Credentials keys;
  JsonReader reader(json);
  reader.ReadIf("Code", code);
  reader.ReadIf("Message", message);
  reader.ReadIf("AccessKeyId", keys.access_key_id);
  reader.ReadIf("SecretAccessKey", keys.secret_access_key);
  reader.ReadIf("Token", keys.session_token);
  reader.ReadIf("Expiration", end);
  if (code != "Success") {
    return Error(Reason::kCredentials, "{}: {}: {}", what, Quoted(code, ""), Quoted(message, ""));
  }
  if (!reader.status().ok())
    return Error(Reason::kIoError, "{}: {}", what, MessageOf(reader.status()));
  keys.end = ParseTimestamp(end);
  keys.source = std::move(source);
  return CheckGiven(std::move(keys), what);
}

Result<Credentials> CheckGiven(Credentials keys, std::string_view what) {
  if (!keys.access_key_id.empty() && !keys.secret_access_key.empty() &&
      !keys.session_token.empty() && keys.end.has_value())
    return keys;
  const std::string_view missing = keys.access_key_id.empty()       ? "AccessKeyId"
                                   : keys.secret_access_key.empty() ? "SecretAccessKey"
                                   : keys.session_token.empty()     ? "session token"
                                                                    : "Expiration";
  return Error(Reason::kIoError, "{}: an answer without a usable {}", what, missing);
}

std::string Quoted(std::string_view text, std::string_view secret) {
  constexpr size_t kQuotedMax = 256;
  constexpr std::string_view kInstead = "(secret)";
  std::string clean(Trim(text));
  for (size_t at = 0; !secret.empty() && (at = clean.find(secret, at)) != std::string::npos;
       at += kInstead.size())
    clean.replace(at, secret.size(), kInstead);
  return Printable(clean, kQuotedMax);
}

}  // namespace etcdrill::objects
