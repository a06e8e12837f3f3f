#include "objects/s3/signer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"

namespace etcdrill::objects {
namespace {

constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

std::string Encode(std::string_view text, bool keeps_slash) {
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos || (keeps_slash && c == '/')) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Servers read a run of blanks as one, and none around the value.
std::string Collapsed(std::string_view value) {
  std::string out;
  for (const char c : Trim(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

struct CanonicalHeaders {
  std::string lines;
  std::string names;
};

CanonicalHeaders Canonical(HttpHeaders headers) {
  std::ranges::sort(headers);
  CanonicalHeaders canonical;
  for (const auto& [name, value] : headers) {
    canonical.lines += fmt::format("{}:{}\n", name, Collapsed(value));
    canonical.names += (canonical.names.empty() ? "" : ";") + name;
  }
  return canonical;
}

}  // namespace

std::string EncodePath(std::string_view path) { return Encode(path, /*keeps_slash=*/true); }

std::string EncodeQuery(const Query& query) {
  Query encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(Encode(name, /*keeps_slash=*/false), Encode(value, false));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
  return out;
}

HttpHeaders Sign(UnsignedRequest request, const Credentials& credentials, const SigningScope& scope,
                 WallTime now) {
  const std::string time = FormatCompactUtc(now);
  const std::string day = time.substr(0, time.find('T'));
  HttpHeaders& headers = request.headers;
  headers.emplace_back("x-amz-date", time);
  if (!credentials.session_token.empty())
    headers.emplace_back("x-amz-security-token", credentials.session_token);

  const CanonicalHeaders canonical = Canonical(headers);
  const std::string to_hash =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, request.query,
                  canonical.lines, canonical.names, request.body_sha256);
  const std::string where = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, where, Hex(Sha256Of(to_hash)));

  std::string key = "AWS4" + credentials.secret_access_key;
  for (const std::string_view part :
       {std::string_view(day), std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")})
    key = HmacSha256(key, part);
  headers.emplace_back(
      "authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                  credentials.access_key_id, where, canonical.names,
                  Hex(HmacSha256(key, to_sign))));
  return std::move(headers);
}

}  // namespace etcdrill::objects
