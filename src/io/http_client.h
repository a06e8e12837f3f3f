// A client of HTTP/1.1 for servers that are asked a few things at a time: object stores, and those
// who hand out keys. The only user of libcurl (curl.se/libcurl/c).
//
// The hard fact: libcurl sends a request again by itself when a connection that it kept dies before
// the first byte of the answer. So a request may have been carried out twice, or carried out
// without that the answer says so. `fresh_connection` keeps it from that.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case, values without the blanks around them
  std::string body;

  // The value of the first header of that name, which is written in lower case; empty if there is
  // none.
  std::string_view Header(std::string_view name) const [[clang::lifetimebound]];
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;             // http or https; its path and query are sent exactly as they stand
  HttpHeaders headers;         // `host` and others are sent as they stand, too
  std::string_view body = {};  // of PUT and POST; must stay as it is until Send returns

  // Takes the body of a 200 or 206 piece by piece, with the head in front of it, instead of the
  // response. Its error ends the transfer, and Send returns it as it is.
  std::function<Status(const HttpResponse& head, std::string_view bytes)> receive = {};
  // A longer body of an answer that is kept is an error.
  size_t body_max = size_t{8} << 20;
  // For the whole request, for small ones; zero: as long as bytes flow.
  Duration time_max{};
  // Never over a connection that served another request.
  bool fresh_connection = false;
};

struct HttpOptions {
  std::string ca_file;  // PEM; empty: the authorities of the system
  bool verifies_certificates = true;
  // False for what must not leave this machine or network: the addresses that give out keys.
  bool may_use_proxy = true;
  std::string proxy;  // empty: https_proxy, http_proxy and no_proxy of the environment
  Duration connect_max = std::chrono::seconds(10);
  // Less than a KiB a second for so long, either way, and the transfer is given up. Whole seconds.
  Duration stall_max = std::chrono::seconds(60);
};

// Safe for use from any thread: each request has a connection to itself while it lasts, and leaves
// it to the next one.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any whole answer is a response, whatever its status. Redirects are not followed. Errors:
  // kConnect (no connection, or what answers does not speak HTTP), kTls, kTimeout, kStreamShort
  // (the body ended before its length), kStreamCut (the connection broke; the request may have been
  // carried out), kInterrupted within a second or so of `stop`, kUsage for a URL that is none, and
  // that of `receive`. They name method and host, never a header.
  virtual Result<HttpResponse> Send(const HttpRequest& request, const std::stop_token& stop) = 0;
};

std::unique_ptr<HttpClient> MakeHttpClient(const HttpOptions& options);

}  // namespace etcdrill
