// One line for each path.
#include "app/routes.h"

namespace etcdrill::app {

std::vector<report::Route> Routes(const report::Metrics& metrics) {
  const auto ok = [] { return report::HttpResponse{.body = "ok\n"}; };
  return {{"/metrics",
           [&metrics] {
             return report::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render()};
           }},
          {"/-/healthy", ok},
          {"/-/ready", ok},  // the port opens only once the store has been read
          {"/", [] {
             return report::HttpResponse{
                 200, "text/html; charset=utf-8",
                 "<!doctype html><title>etcdrill</title><h1>etcdrill</h1><p>Proves etcd backups."
                 "<p><a href=\"metrics\">Metrics</a>\n"};
           }}};
}

}  // namespace etcdrill::app
