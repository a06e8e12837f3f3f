// Start order: store, client, metrics, port, schedules; stop in reverse. Each schedule has a thread; the drill's thread
// is also the parent of its etcd, which the kernel ends with it.
#include "app/daemon.h"

#include <fmt/format.h>

#include <thread>

#include "app/routes.h"
#include "app/sidecar_tasks.h"
#include "base/version.h"
#include "pipeline/catalog.h"
#include "pipeline/scheduler.h"
#include "report/web_server.h"
#include "store/local_store.h"

namespace etcdrill::app {
namespace {

report::LiveFacts ReadLive(const Context& context, const config::Config& config, const etcd::Client& client) {
  report::LiveFacts live;
  live.log_warnings = static_cast<double>(context.log.Count(LogLevel::kWarn));
  live.log_errors = static_cast<double>(context.log.Count(LogLevel::kError));
  for (size_t i = 0; i < etcd::kMethodNames.size(); ++i) {
    live.calls.push_back({std::string(etcd::kMethodNames[i]), static_cast<double>(client.counts().requests[i]),
                          static_cast<double>(client.counts().failures[i])});
  }
  for (const auto& [volume, path] :
       {std::pair("store", config.store_path), std::pair("scratch", config.drill.scratch_dir)}) {
    const auto space = context.fs.Space(path);
    if (!space.ok()) continue;  // unknown is absent
    live.volumes.push_back(
        {volume, static_cast<double>(space->available_bytes), static_cast<double>(space->size_bytes)});
  }
  return live;
}

report::FixedFacts Fixed(const Context& context, const config::Config& config, const store::LocalStore& store,
                         const etcd::Client& client) {
  report::FixedFacts fixed;
  fixed.state_created = UnixSeconds(store.created());
  fixed.rpo_seconds = SecondsOf(config.objectives.rpo);
  fixed.verified_rpo_seconds = SecondsOf(config.objectives.verified_rpo);
  fixed.rto_seconds = SecondsOf(config.objectives.rto);
  fixed.snapshot_interval_seconds = SecondsOf(config.snapshot.every);
  fixed.drill_interval_seconds = SecondsOf(config.drill.every);
  fixed.drill_timeout_seconds = SecondsOf(config.drill.timeout);
  fixed.process_start = UnixSeconds(context.clock.Now());
  for (const etcd::Endpoint& endpoint : client.endpoints()) fixed.endpoints.push_back(endpoint.address());
  return fixed;
}

// Once the pieces stand, this is all that the sidecar does.
void RunSchedules(const Context& context, const config::Config& config, SidecarTasks& tasks, report::Metrics& metrics) {
  const SidecarTasks::LastRuns last = tasks.FindLastRuns();
  const auto schedule = [&](report::Task task, Duration every, std::optional<WallTime> last_run, auto run,
                            auto on_skipped) {
    return std::thread([&context, &metrics, task, every, last_run, run, on_skipped] {
      pipeline::RunSchedule(context.clock, context.stop,
                            {.every = every,
                             .first_delay = pipeline::FirstDelay(context.clock.Now(), last_run, every),
                             .run =
                                 [&] {
                                   run();
                                   metrics.RunEnded(task, UnixSeconds(context.clock.Now()));
                                 },
                             .on_next = [&](WallTime next) { metrics.SetNextRun(task, UnixSeconds(next)); },
                             .on_skipped = on_skipped});
    });
  };
  std::thread snapshots = schedule(
      report::Task::kSnapshot, config.snapshot.every, last.snapshot, [&] { tasks.TakeSnapshot(); },
      [&] { metrics.SnapshotSkipped(); });
  std::thread drills = schedule(
      report::Task::kDrill, config.drill.every, last.drill, [&] { tasks.RunDrills(); },
      [&] { metrics.DrillSkipped(); });
  std::thread health = schedule(
      report::Task::kHealth, config.health.interval, std::nullopt, [&] { tasks.ProbeHealth(); }, [] {});
  for (std::thread* thread : {&snapshots, &drills, &health}) thread->join();
}

}  // namespace

Status RunDaemon(const Context& context, const config::Config& config, const etcd::ConnectionOptions& connection) {
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  RETURN_IF_ERROR(store->TakeOwnership());
  RETURN_IF_ERROR(context.fs.MakeDirs(config.drill.scratch_dir, kPrivateDirMode));
  ASSIGN_OR_RETURN(const auto client, etcd::Client::Create(connection, context));
  report::Metrics metrics(Fixed(context, config, *store, *client), [&] { return ReadLive(context, config, *client); });
  SidecarTasks tasks(context, config, *client, *store, metrics);
  RETURN_IF_ERROR(tasks.RefreshStoreFacts());
  ASSIGN_OR_RETURN(const auto server, report::WebServer::Start(context, config.web, Routes(metrics)));
  context.log.Info("etcdrill started", {{"version", kVersion},
                                        {"store", config.store_path},
                                        {"port", server->port()},
                                        {"snapshot_every", config.snapshot.every},
                                        {"drill_every", config.drill.every}});
  RunSchedules(context, config, tasks, metrics);
  context.log.Info("etcdrill stopped");
  return OkStatus();
}

}  // namespace etcdrill::app
