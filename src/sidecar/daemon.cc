// Start order: timer and pool, store and first generation, port, the timer's thread. It stops in
// reverse, but for the port, which answers while runs end: the timer's thread is joined first, then
// the runs are waited for; the server joins its threads when it goes, the service manager its own,
// and the pool, after all that its threads used, those on which the runs were.
#include "sidecar/daemon.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/version.h"
#include "config/load.h"
#include "config/web_config.h"
#include "http/guard.h"
#include "http/server.h"
#include "report/metrics.h"
#include "sidecar/cluster_runtime.h"
#include "sidecar/pool.h"
#include "sidecar/reloader.h"
#include "sidecar/routes.h"
#include "sidecar/service_manager.h"
#include "sidecar/signals.h"
#include "sidecar/timer.h"

namespace etcdrill::sidecar {
namespace {

std::string TextOf(const std::optional<config::Schedule>& schedule) {
  return schedule.has_value() ? schedule->text : "none";
}

// SIGHUP, remembered until somebody looks.
class Hangups {
 public:
  Hangups()
      : listener_([this] {
          const std::lock_guard lock(mutex_);
          came_ = true;
          cv_.notify_all();
        }) {}

  // Returns false once a stop is requested.
  bool Wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool came = cv_.wait(lock, stop, [this] { return came_; });
    came_ = false;
    return came;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any cv_;
  bool came_ = false;  // guarded by mutex_
  const HangupListener listener_;
};

// The page of /metrics, as it is now.
std::string Page(const Context& context, WallTime started, const Reloader& reloader,
                 http::Guard& web, ClusterRuntime& cluster) {
  const Reloader::Last reload = reloader.last();
  report::ProcessFacts process;
  process.started = started;
  process.reload_successful = reload.successful;
  process.reload_succeeded = reload.succeeded;
  process.log_warnings = context.log.Count(LogLevel::kWarn);
  process.log_errors = context.log.Count(LogLevel::kError);
  process.log_dropped = context.log.Dropped();
  process.web_certificate = web.Certificate();
  const std::array clusters{cluster.Scrape()};
  return report::RenderMetrics(process, clusters);
}

}  // namespace

Status RunDaemon(const Context& context, const Settings& settings, const LoadSettings& load) {
  Hangups hangups;  // first: a SIGHUP during the start must not stop it
  const WallTime started = context.clock.Now();
  const config::Config& config = settings.config;
  Timer timer(context.clock);  // before the pool, whose threads wake it
  Pool pool(ClusterRuntime::CountTasks(config));
  ASSIGN_OR_RETURN(const auto cluster, ClusterRuntime::Create(context, settings, timer, pool));
  ASSIGN_OR_RETURN(const auto guard,
                   http::Guard::Create(context, config.web.config_file, config::ParseWebConfig));
  Reloader reloader(context, load, *cluster);
  const auto page = [&] { return Page(context, started, reloader, *guard, *cluster); };
  ServiceManager service(context.clock);
  const auto reload = [&] {
    service.Reloading();
    const Status done = reloader.Reload();
    service.Ready();
    return done;
  };
  cluster->Start();  // before a reload can be asked for; nothing begins before the timer ticks
  ASSIGN_OR_RETURN(
      const auto server,
      http::Server::Start(context, config.web.listen, *guard,
                          Routes(context.stop, *cluster, page,
                                 {.enabled = config.web.enable_lifecycle, .reload = reload})));
  context.log.Info("etcdrill started", {{"version", kVersion},
                                        {"store", config.store_path},
                                        {"port", server->port()},
                                        {"snapshot_schedule", TextOf(config.snapshot.schedule)},
                                        {"drill_schedule", TextOf(config.drill.schedule)}});
  for (const std::string& warning : config.warnings)
    context.log.Warn("configuration key deprecated", {{"warning", warning}});
  for (const std::string& warning : config::WarningsOf(config, settings.connection)) {
    context.log.Warn("configuration warning", {{"warning", warning}});
  }
  std::jthread ticking([&timer](const std::stop_token& stop) { timer.Run(stop); });
  service.Ready();
  service.KeepAlive([&page] { page(); });
  const std::stop_callback stopping(context.stop, [&service] { service.Stopping(); });
  while (hangups.Wait(context.stop)) reload().IgnoreError();  // it is logged
  ticking.request_stop();
  ticking.join();
  cluster->Finish();
  context.log.Info("etcdrill stopped");
  return OkStatus();
}

}  // namespace etcdrill::sidecar
