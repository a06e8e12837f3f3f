// One line for each path.
#include "app/routes.h"

#include "report/status/json.h"
#include "report/status/page.h"

namespace etcdrill::app {
namespace {

using report::HttpHandler;
using report::HttpRequest;
using report::HttpResponse;
using report::Route;

constexpr const char* kJson = "application/json; charset=utf-8";

HttpHandler Action(bool enabled, const std::function<bool()>& start) {
  return [enabled, start](const HttpRequest&) {
    if (!enabled) return HttpResponse{.status = 403, .body = "switched off; set web.enable_lifecycle\n"};
    if (!start) return HttpResponse{.status = 501, .body = "not to be had in this build\n"};
    if (start()) return HttpResponse{.status = 202, .body = "started\n"};
    return HttpResponse{.status = 409, .body = "it runs already\n"};
  };
}

}  // namespace

std::vector<Route> Routes(Clock& clock, const std::stop_token& stop, const std::string& cluster,
                          const report::Metrics& metrics, const report::StatusBoard& board,
                          const Lifecycle& lifecycle) {
  const auto facts = [&] {
    report::StatusFacts f{.now = clock.Now(), .cluster = cluster};
    f.fixed = metrics.fixed();
    f.store = metrics.store();
    f.activity = metrics.activity();
    board.AddTo(f);
    return f;
  };
  const auto json = [facts](std::string (*document)(const report::StatusFacts&)) {
    return [facts, document](const HttpRequest&) { return HttpResponse{200, kJson, document(facts())}; };
  };
  const HttpHandler ready = [&board, stop](const HttpRequest&) {
    if (stop.stop_requested()) return HttpResponse{.status = 503, .body = "stopping\n"};
    const std::string problem = board.store_problem();
    if (!problem.empty()) return HttpResponse{.status = 503, .body = problem + "\n"};
    return HttpResponse{.body = "ready\n"};
  };
  constexpr auto kPage = Route::Kind::kPage;
  constexpr auto kAction = Route::Kind::kAction;
  return {{kPage, "/metrics",
           [&metrics](const HttpRequest&) {
             return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render()};
           }},
          {kPage, "/-/healthy", [](const HttpRequest&) { return HttpResponse{.body = "healthy\n"}; }},
          {kPage, "/-/ready", ready},
          {kAction, "/-/reload", Action(lifecycle.enabled, lifecycle.reload)},
          {kAction, "/-/snapshot", Action(lifecycle.enabled, lifecycle.snapshot)},
          {kAction, "/-/drill", Action(lifecycle.enabled, lifecycle.drill)},
          {kPage, "/api/v1/status", json(report::StatusJson)},
          {kPage, "/api/v1/snapshots", json(report::SnapshotsJson)},
          {kPage, "/api/v1/drills", json(report::DrillsJson)},
          {kPage, "/", [facts](const HttpRequest&) {
             return HttpResponse{200,
                                 "text/html; charset=utf-8",
                                 report::StatusPage(facts()),
                                 {{"Content-Security-Policy", report::StatusPagePolicy()}}};
           }}};
}

}  // namespace etcdrill::app
