// Start order: store, the first generation, port, schedules; stop in reverse.
#include "sidecar/daemon.h"

#include <condition_variable>
#include <mutex>

#include "base/version.h"
#include "config/warnings.h"
#include "config/web_config.h"
#include "http/server.h"
#include "pipeline/stored_drill.h"
#include "sidecar/reloader.h"
#include "sidecar/routes.h"
#include "sidecar/service_manager.h"
#include "sidecar/sidecar_facts.h"
#include "sidecar/signals.h"
#include "store/local_store.h"

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

}  // namespace

Status RunDaemon(const Context& context, const Settings& settings, const LoadSettings& load) {
  Hangups hangups;  // first: a SIGHUP during the start must not stop it
  const config::Config& config = settings.config;
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  const bool takes_turns = config.snapshot.when == config::When::kMemberIsLeader;
  RETURN_IF_ERROR(
      store->TakeOwnership(takes_turns ? store::Ownership::kShared : store::Ownership::kAlone));
  pipeline::TellOfKilledDrills(context, *store);
  const auto counts = std::make_shared<etcd::CallCounts>();
  const Reloader* in_force = nullptr;  // stands before anybody scrapes
  ASSIGN_OR_RETURN(const auto guard,
                   http::Guard::Create(context, config.web.config_file, config::ParseWebConfig));
  Certificates certificates;
  report::Metrics metrics({.cluster = config.cluster.name}, [&] {
    return ReadLiveFacts(context, in_force->Current()->config(), *counts, certificates, *guard);
  });
  report::StatusBoard board;
  Permanent permanent{.context = context,
                      .store = *store,
                      .metrics = metrics,
                      .board = board,
                      .counts = counts,
                      .process_start = context.clock.Now()};
  ASSIGN_OR_RETURN(const auto reloader, Reloader::Create(permanent, load, settings));
  in_force = reloader.get();
  ServiceManager service(context.clock);
  const auto reload = [&] {
    service.Reloading();
    const Status done = reloader->Reload();
    service.Ready();
    return done;
  };
  const Lifecycle lifecycle = {.enabled = config.web.enable_lifecycle,
                               .reload = reload,
                               .snapshot = [&] { return reloader->Current()->TakeSnapshotNow(); },
                               .drill = [&] { return reloader->Current()->DrillNow(); }};
  ASSIGN_OR_RETURN(const auto server,
                   http::Server::Start(context, config.web.listen, *guard,
                                       Routes(context.clock, context.stop, config.cluster.name,
                                              metrics, board, lifecycle)));
  context.log.Info("etcdrill started", {{"version", kVersion},
                                        {"store", config.store_path},
                                        {"port", server->port()},
                                        {"snapshot_schedule", TextOf(config.snapshot.schedule)},
                                        {"drill_schedule", TextOf(config.drill.schedule)}});
  for (const std::string& warning : config.warnings)
    context.log.Warn("the configuration has an old name", {{"warning", warning}});
  for (const std::string& warning : config::WarningsOf(config, settings.connection)) {
    context.log.Warn("the configuration may not be what is meant", {{"warning", warning}});
  }
  reloader->Current()->Start();
  service.Ready();
  service.KeepAlive([&metrics] { metrics.Render(); });
  const std::stop_callback stopping(context.stop, [&service] { service.Stopping(); });
  while (hangups.Wait(context.stop)) reload().IgnoreError();  // it is logged
  reloader->Finish();
  context.log.Info("etcdrill stopped");
  return OkStatus();
}

}  // namespace etcdrill::sidecar
