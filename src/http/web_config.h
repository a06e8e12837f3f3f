// What a web.config_file asks of our port: TLS, users and headers, in the terms of Prometheus'
// exporter-toolkit (github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace etcdrill::http {

enum class ClientAuth { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };
enum class TlsVersion { k12, k13 };

// A text of PEM, or the file that holds it; the file wins.
struct PemSource {
  std::string text;
  std::string file;
  bool empty() const { return text.empty() && file.empty(); }
};

struct WebTls {
  PemSource cert;
  PemSource key;
  PemSource client_ca;
  ClientAuth client_auth = ClientAuth::kNone;
  std::vector<std::string> client_allowed_sans;  // empty: any
  TlsVersion min_version = TlsVersion::k12;
  TlsVersion max_version = TlsVersion::k13;
  std::vector<std::string> cipher_suites;  // as IANA names them; empty: our choice
  std::vector<std::string> curves;         // as Go names them; empty: OpenSSL's choice
  bool prefer_server_ciphers = true;
};

struct RateLimit {
  Duration interval{};  // for one request to come back; zero: no limit
  uint64_t burst = 0;
};

struct WebConfig {
  std::optional<WebTls> tls;
  std::vector<std::pair<std::string, std::string>> users;  // name, bcrypt hash; empty: everybody
  std::vector<std::pair<std::string, std::string>> headers;
  RateLimit rate_limit;
};

}  // namespace etcdrill::http
