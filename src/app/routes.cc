// One line for each path.
#include "app/routes.h"

namespace etcdrill::app {

using report::HttpRequest;
using report::HttpResponse;
using report::Route;

std::vector<Route> Routes(const report::Metrics& metrics) {
  const auto ok = [](const HttpRequest&) { return HttpResponse{.body = "ok\n"}; };
  return {{Route::Kind::kPage, "/metrics",
           [&metrics](const HttpRequest&) {
             return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render()};
           }},
          {Route::Kind::kPage, "/-/healthy", ok},
          {Route::Kind::kPage, "/-/ready", ok},  // the port opens only once the store has been read
          {Route::Kind::kPage, "/", [](const HttpRequest&) {
             return HttpResponse{200, "text/html; charset=utf-8",
                                 "<!doctype html><title>etcdrill</title><h1>etcdrill</h1><p>Proves etcd backups."
                                 "<p><a href=\"metrics\">Metrics</a>\n"};
           }}};
}

}  // namespace etcdrill::app
