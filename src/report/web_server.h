// The sidecar's port: the router behind CivetWeb behind the front.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/context.h"
#include "report/router.h"
#include "report/web_guard.h"

namespace etcdrill::report {

class WebServer {
 public:
  // `listen` is as in front/listen.h. `context` and `guard` must outlive it, and so must what the
  // routes use.
  static Result<std::unique_ptr<WebServer>> Start(const Context& context, const std::string& listen,
                                                  WebGuard& guard, std::vector<Route> routes);
  virtual ~WebServer() = default;  // closes the port; no handler runs after this
  virtual int port() const = 0;
};

}  // namespace etcdrill::report
