// The sidecar's port: the router behind CivetWeb behind the front.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/context.h"
#include "report/router.h"

namespace etcdrill::report {

class WebServer {
 public:
  // `listen` is as in front/listen.h. Every argument must outlive it, and so must what the routes use.
  static Result<std::unique_ptr<WebServer>> Start(const Context& context, const std::string& listen, Router router);
  virtual ~WebServer() = default;  // closes the port; no handler runs after this
  virtual int port() const = 0;
};

}  // namespace etcdrill::report
