// The sidecar's port: the router behind CivetWeb behind the front.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "config/config.h"
#include "io/context.h"
#include "report/router.h"

namespace etcdrill::report {

class WebServer {
 public:
  // `web.listen` is as in front/listen.h. `context` must outlive it, and so must what the routes use.
  static Result<std::unique_ptr<WebServer>> Start(const Context& context, const config::WebSettings& web,
                                                  std::vector<Route> routes);
  virtual ~WebServer() = default;  // closes the port; no handler runs after this
  virtual int port() const = 0;
  // When the certificate ends that it shows; none without TLS.
  virtual std::optional<WallTime> CertificateEnd() const = 0;
};

}  // namespace etcdrill::report
