// Where we refuse what exporter-toolkit takes, it is for safety: TLS before 1.2, and a demand for
// verified client certificates without a CA, for which Go would take every CA of the machine.
#include "config/web_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/units.h"
#include "config/section.h"
#include "config/values.h"
#include "io/file_system.h"

namespace etcdrill::config {
namespace {

Status Wrong(std::string_view text) { return Error(Reason::kConfig, text); }

Result<http::ClientAuth> ParseClientAuth(std::string_view text) {
  if (text.empty() || text == "NoClientCert") return http::ClientAuth::kNone;
  if (text == "RequestClientCert") return http::ClientAuth::kRequest;
  if (text == "RequireAnyClientCert" || text == "RequireClientCert")
    return http::ClientAuth::kRequireAny;
  if (text == "VerifyClientCertIfGiven") return http::ClientAuth::kVerifyIfGiven;
  if (text == "RequireAndVerifyClientCert") return http::ClientAuth::kRequireAndVerify;
  return Wrong(
      fmt::format("\"{}\" is none of NoClientCert, RequestClientCert, RequireAnyClientCert, "
                  "VerifyClientCertIfGiven, RequireAndVerifyClientCert",
                  text));
}

Result<http::TlsVersion> ParseTlsVersion(std::string_view text) {
  if (text == "TLS12") return http::TlsVersion::k12;
  if (text == "TLS13") return http::TlsVersion::k13;
  if (text == "TLS10" || text == "TLS11")
    return Wrong(fmt::format("{} is insecure. Use TLS12 or TLS13", text));
  return Wrong(fmt::format("\"{}\" is neither TLS12 nor TLS13", text));
}

// The suites that Go calls secure; those of TLS 1.3 may be named but not chosen, there as here.
Status CheckCipherSuite(std::string_view text) {
  constexpr std::array<std::string_view, 13> kKnown = {
      "TLS_AES_128_GCM_SHA256",
      "TLS_AES_256_GCM_SHA384",
      "TLS_CHACHA20_POLY1305_SHA256",
      "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
      "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
      "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
      "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"};
  if (std::ranges::find(kKnown, text) != kKnown.end()) return OkStatus();
  return Wrong(fmt::format("\"{}\" is not a known safe cipher suite. Known: {}", text,
                           fmt::join(kKnown.begin() + 3, kKnown.end(), ", ")));
}

Status CheckCurve(std::string_view text) {
  for (const char* known : {"CurveP256", "CurveP384", "CurveP521", "X25519"}) {
    if (text == known) return OkStatus();
  }
  return Wrong(fmt::format("\"{}\" is none of CurveP256, CurveP384, CurveP521, X25519", text));
}

// "$2y$10$" and 53 letters. Checked before crypt(3) sees it, which takes what it does not know for
// an older scheme.
Status CheckUser(std::string_view name, std::string_view hash) {
  constexpr std::string_view kLetters =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bool scheme =
      hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$");
  unsigned cost = 0;
  const bool good =
      scheme && hash.size() == 60 && hash[6] == '$' &&
      hash.substr(7).find_first_not_of(kLetters) == std::string_view::npos &&
      std::from_chars(hash.data() + 4, hash.data() + 6, cost).ptr == hash.data() + 6 && cost >= 4 &&
      cost <= 31;
  if (good) return OkStatus();
  return Wrong(fmt::format(
      "the password of \"{}\" is not a bcrypt hash. Create one: `htpasswd -nBC 10 NAME`", name));
}

Status CheckHeader(std::string_view name, std::string_view value) {
  if (value.find_first_of("\r\n") != std::string_view::npos)
    return Wrong("a header must be one line");
  RETURN_IF_ERROR(CheckNoNul(value));
  const auto one_of = [&](std::initializer_list<std::string_view> allowed) {
    if (std::ranges::find(allowed, value) != allowed.end()) return OkStatus();
    return Wrong(
        fmt::format("{} can only be {}, not \"{}\"", name, fmt::join(allowed, " or "), value));
  };
  if (name == "X-Content-Type-Options") return one_of({"nosniff"});
  if (name == "X-Frame-Options") return one_of({"deny", "sameorigin"});
  for (const char* free :
       {"Strict-Transport-Security", "X-XSS-Protection", "Content-Security-Policy"}) {
    if (name == free) return OkStatus();
  }
  return Wrong(fmt::format(
      "the header \"{}\" cannot be set. Known headers: Strict-Transport-Security, "
      "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, Content-Security-Policy",
      name));
}

Status NoCheck(std::string_view) { return OkStatus(); }

Result<Duration> ParseInterval(std::string_view text) {
  return text == "0" ? Result<Duration>(Duration::zero()) : ParseDuration(text);
}

// What has to hold between the keys.
void CheckTls(const http::WebTls& tls, const Section& section) {
  if (tls.cert.empty()) section.Complain("needs cert_file (or cert)");
  if (tls.key.empty()) section.Complain("needs key_file (or key)");
  if (!tls.client_ca.empty() && tls.client_auth == http::ClientAuth::kNone) {
    section.Complain(
        "has a client CA but no client_auth_type. To require certificates, set "
        "RequireAndVerifyClientCert");
  }
  const bool verifies = tls.client_auth == http::ClientAuth::kVerifyIfGiven ||
                        tls.client_auth == http::ClientAuth::kRequireAndVerify;
  if (verifies && tls.client_ca.empty()) {
    section.Complain("verifies client certificates, but has no client_ca_file (or client_ca)");
  }
  if (tls.min_version > tls.max_version)
    section.Complain("has a min_version above its max_version");
}

std::optional<http::WebTls> ReadTls(Section section) {
  http::WebTls tls;
  std::string client_auth;
  section.Read("cert", tls.cert.text);
  section.Read("cert_file", tls.cert.file, CheckPath);
  section.Read("key", tls.key.text);
  section.Read("key_file", tls.key.file, CheckPath);
  section.Read("client_ca", tls.client_ca.text);
  section.Read("client_ca_file", tls.client_ca.file, CheckPath);
  section.Read("client_auth_type", client_auth);
  section.Read("client_auth_type", tls.client_auth, ParseClientAuth);
  section.Read("client_allowed_sans", tls.client_allowed_sans, NoCheck);
  section.Read("min_version", tls.min_version, ParseTlsVersion);
  section.Read("max_version", tls.max_version, ParseTlsVersion);
  section.Read("cipher_suites", tls.cipher_suites, CheckCipherSuite);
  section.Read("curve_preferences", tls.curves, CheckCurve);
  section.Read("prefer_server_cipher_suites", tls.prefer_server_ciphers, ParseBool);
  section.Finish();
  const bool given =
      !tls.cert.empty() || !tls.key.empty() || !tls.client_ca.empty() || !client_auth.empty();
  if (!given) return std::nullopt;
  CheckTls(tls, section);
  return tls;
}

void ReadRoot(Section root, http::WebConfig& config) {
  config.tls = ReadTls(root.Sub("tls_server_config"));
  Section http = root.Sub("http_server_config");
  bool http2 = true;  // accepted and not used: we speak HTTP/1.1
  http.Read("http2", http2, ParseBool);
  http.ReadPairs("headers", config.headers, CheckHeader);
  http.Finish();
  root.ReadPairs("basic_auth_users", config.users, CheckUser);
  Section rate = root.Sub("rate_limit");
  rate.Read("interval", config.rate_limit.interval, ParseInterval);
  rate.Read("burst", config.rate_limit.burst, ParseCount);
  rate.Finish();
  root.Finish();
}

}  // namespace

Result<http::WebConfig> ParseWebConfig(std::string_view text, const std::string& path) {
  http::WebConfig config;
  RETURN_IF_ERROR(ReadYaml(text, path, [&](Section root) { ReadRoot(std::move(root), config); }));
  if (!config.tls.has_value()) return config;
  for (http::PemSource* pem : {&config.tls->cert, &config.tls->key, &config.tls->client_ca}) {
    if (!pem->file.empty() && pem->file.front() != '/')
      pem->file = JoinPath(DirName(path), pem->file);
  }
  return config;
}

}  // namespace etcdrill::config
