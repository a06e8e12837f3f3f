// The sidecar's port: the router behind CivetWeb behind the front.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "http/guard.h"
#include "http/router.h"
#include "io/context.h"

namespace etcdrill::http {

class Server {
 public:
  // `listen` is as in front/listen.h. `context` and `guard` must outlive it, and so must what the
  // routes use.
  static Result<std::unique_ptr<Server>> Start(const Context& context, const std::string& listen,
                                               Guard& guard, std::vector<Route> routes);
  virtual ~Server() = default;  // closes the port; no handler runs after this
  virtual int port() const = 0;
};

}  // namespace etcdrill::http
