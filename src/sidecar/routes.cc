// One line for each path.
#include "sidecar/routes.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "report/status/status.h"

namespace etcdrill::sidecar {
namespace {

using http::Handler;
using http::Request;
using http::Response;
using http::Route;

constexpr const char* kJson = "application/json; charset=utf-8";

http::Response Started(bool started) {
  if (started) return {.status = 202, .body = "started\n"};
  return {.status = 409, .body = "already running\n"};
}

http::Response Reloaded(const Status& done) {
  if (done.ok()) return {.body = "reloaded\n"};
  return {.status = 500,
          .body = fmt::format("not reloaded; the previous configuration stays in force\n{}\n",
                              Shown(MessageOf(done), "\n"))};
}

}  // namespace

std::vector<Route> Routes(const std::stop_token& stop, ClusterRuntime& cluster,
                          std::function<std::string()> metrics, const Lifecycle& lifecycle) {
  const Handler ready = [&cluster, stop](const Request&) {
    if (stop.stop_requested()) return Response{.status = 503, .body = "stopping\n"};
    const std::string problem = cluster.View().store_problem;
    if (!problem.empty()) return Response{.status = 503, .body = Shown(problem) + "\n"};
    return Response{.body = "ready\n"};
  };
  const auto if_enabled = [enabled = lifecycle.enabled](const std::function<Response()>& act) {
    return [enabled, act](const Request&) {
      return enabled ? act()
                     : Response{.status = 403, .body = "disabled. Set web.enable_lifecycle\n"};
    };
  };
  const auto json = [&cluster](std::string (*text)(const report::View&)) {
    return [&cluster, text](const Request&) { return Response{200, kJson, text(cluster.View())}; };
  };
  constexpr auto kPage = Route::Kind::kPage;
  constexpr auto kAction = Route::Kind::kAction;
  return {{kPage, "/metrics",
           [metrics = std::move(metrics)](const Request&) {
             return Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics()};
           }},
          {kPage, "/-/healthy", [](const Request&) { return Response{.body = "healthy\n"}; }},
          {kPage, "/-/ready", ready},
          {kAction, "/-/reload",
           if_enabled([reload = lifecycle.reload] { return Reloaded(reload()); })},
          {kAction, "/-/snapshot",
           if_enabled([&cluster] { return Started(cluster.TakeSnapshotNow()); })},
          {kAction, "/-/drill", if_enabled([&cluster] { return Started(cluster.DrillNow()); })},
          {kPage, "/api/v1/status",
           [&cluster](const Request&) {
             return Response{200, kJson, report::StatusJson(cluster.View(), cluster.activity())};
           }},
          {kPage, "/api/v1/snapshots", json(report::SnapshotsJson)},
          {kPage, "/api/v1/drills", json(report::DrillsJson)},
          {kPage, "/", [&cluster](const Request&) {
             return Response{200,
                             "text/html; charset=utf-8",
                             report::StatusPage(cluster.View(), cluster.activity()),
                             {{"Content-Security-Policy", report::StatusPagePolicy()}}};
           }}};
}

}  // namespace etcdrill::sidecar
