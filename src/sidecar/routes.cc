// One line for each path.
#include "sidecar/routes.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/status/json.h"
#include "report/status/page.h"

namespace etcdrill::sidecar {
namespace {

using http::Handler;
using http::Request;
using http::Response;
using http::Route;

constexpr const char* kJson = "application/json; charset=utf-8";

http::Response Started(bool started) {
  if (started) return {.status = 202, .body = "started\n"};
  return {.status = 409, .body = "it runs already\n"};
}

http::Response Reloaded(const Status& done) {
  if (done.ok()) return {.body = "reloaded\n"};
  return {.status = 500,
          .body = fmt::format("not reloaded; the configuration before stays\n{}\n",
                              Shown(MessageOf(done), "\n"))};
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
    return [facts, document](const http::Request&) {
      return http::Response{200, kJson, document(facts())};
    };
  };
  const http::Handler ready = [&board, stop](const http::Request&) {
    if (stop.stop_requested()) return http::Response{.status = 503, .body = "stopping\n"};
    const std::string problem = board.store_problem();
    if (!problem.empty()) return http::Response{.status = 503, .body = Shown(problem) + "\n"};
    return http::Response{.body = "ready\n"};
  };
  const auto if_enabled = [enabled =
                               lifecycle.enabled](const std::function<http::Response()>& act) {
    return [enabled, act](const http::Request&) {
      return enabled ? act()
                     : http::Response{.status = 403,
                                      .body = "switched off; set web.enable_lifecycle\n"};
    };
  };
  constexpr auto kPage = Route::Kind::kPage;
  constexpr auto kAction = Route::Kind::kAction;
  return {
      {kPage, "/metrics",
       [&metrics](const http::Request&) {
         return http::Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render()};
       }},
      {kPage, "/-/healthy",
       [](const http::Request&) { return http::Response{.body = "healthy\n"}; }},
      {kPage, "/-/ready", ready},
      {kAction, "/-/reload",
       if_enabled([reload = lifecycle.reload] { return Reloaded(reload()); })},
      {kAction, "/-/snapshot",
       if_enabled([snapshot = lifecycle.snapshot] { return Started(snapshot()); })},
      {kAction, "/-/drill", if_enabled([drill = lifecycle.drill] { return Started(drill()); })},
      {kPage, "/api/v1/status", json(report::StatusJson)},
      {kPage, "/api/v1/snapshots", json(report::SnapshotsJson)},
      {kPage, "/api/v1/drills", json(report::DrillsJson)},
      {kPage, "/", [facts](const http::Request&) {
         return http::Response{200,
                               "text/html; charset=utf-8",
                               report::StatusPage(facts()),
                               {{"Content-Security-Policy", report::StatusPagePolicy()}}};
       }}};
}

}  // namespace etcdrill::sidecar
