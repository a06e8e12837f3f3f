// Plain HTTP on CivetWeb, behind an interface of our own: exact routes and nothing else. Debian's CivetWeb must not be
// handed a certificate (it crashes with OpenSSL 3) and has no IPv6 (monitoring.md 0); both come later, in front of it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace etcdrill::report {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// A GET route; HEAD is answered from it, other methods get 405.
struct Route {
  std::string path;
  std::function<HttpResponse()> handler;  // called on any thread
};

class HttpServer {
 public:
  // Listens on "IPv4:PORT" (port 0: any free one). kConfig if the address is no such thing or is taken.
  static Result<std::unique_ptr<HttpServer>> Start(const std::string& listen, std::vector<Route> routes);
  virtual ~HttpServer() = default;  // closes the port
  virtual int port() const = 0;
};

}  // namespace etcdrill::report
