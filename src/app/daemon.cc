// Start order: store, client, metrics, port, schedules; stop in reverse. Each schedule has a thread; the drill's thread
// is also the parent of its etcd, which the kernel ends with it.
#include "app/daemon.h"

#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "app/certificates.h"
#include "app/routes.h"
#include "app/service_manager.h"
#include "app/sidecar_tasks.h"
#include "app/task_gate.h"
#include "base/version.h"
#include "pipeline/catalog.h"
#include "pipeline/scheduler.h"
#include "report/web_server.h"
#include "store/local_store.h"

namespace etcdrill::app {
namespace {

using namespace std::chrono_literals;

// How often one looks which snapshots are due to be hashed again.
constexpr int kScrubTurns = 24;  // in a period
constexpr Duration kScrubEveryMax = 1h;

constexpr Duration kAdoptLookMax = 10s;  // between two looks at the folders of others

report::LiveFacts ReadLive(const Context& context, const config::Config& config, const etcd::Client& client,
                           const report::WebServer* web) {
  report::LiveFacts live;
  live.log_warnings = static_cast<double>(context.log.Count(LogLevel::kWarn));
  live.log_errors = static_cast<double>(context.log.Count(LogLevel::kError));
  for (size_t i = 0; i < etcd::kMethodNames.size(); ++i) {
    live.calls.push_back({std::string(etcd::kMethodNames[i]), static_cast<double>(client.counts().requests[i]),
                          static_cast<double>(client.counts().failures[i])});
  }
  live.certificate_ends = CertificateEnds(context.fs, config);
  if (const auto end = web != nullptr ? web->CertificateEnd() : std::nullopt) {
    live.certificate_ends["web_server"] = UnixSeconds(*end);
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

// A restart may change the offset, so all of the jitter can come on top.
std::optional<double> LongestGap(const std::optional<config::Schedule>& schedule, Duration jitter) {
  if (!schedule.has_value()) return std::nullopt;
  return SecondsOf(schedule->LongestGap() + jitter);
}

std::string TextOf(const std::optional<config::Schedule>& schedule) {
  return schedule.has_value() ? schedule->text : "none";
}

report::FixedFacts Fixed(const Context& context, const config::Config& config, const store::LocalStore& store,
                         const etcd::Client& client) {
  report::FixedFacts fixed;
  fixed.state_created = UnixSeconds(store.created());
  fixed.rpo_seconds = SecondsOf(config.objectives.rpo);
  fixed.verified_rpo_seconds = SecondsOf(config.objectives.verified_rpo);
  fixed.rto_seconds = SecondsOf(config.objectives.rto);
  fixed.snapshot_interval_seconds = LongestGap(config.snapshot.schedule, config.snapshot.jitter);
  fixed.drill_interval_seconds = LongestGap(config.drill.schedule, config.drill.jitter);
  fixed.drill_timeout_seconds = SecondsOf(config.drill.timeout);
  fixed.scrub_period_seconds = SecondsOf(config.scrub.period);
  fixed.adopt_patterns = static_cast<double>(config.adopt.files.size());
  fixed.process_start = UnixSeconds(context.clock.Now());
  for (const etcd::Endpoint& endpoint : client.endpoints()) fixed.endpoints.push_back(endpoint.address());
  return fixed;
}

// Once the pieces stand, this is all that the sidecar does.
void RunSchedules(const Context& context, const config::Config& config, const SidecarTasks::LastRuns& last,
                  SidecarTasks& tasks, report::Metrics& metrics, TaskGate& snapshot_gate, TaskGate& drill_gate) {
  std::vector<std::jthread> threads;
  const auto add = [&](report::Task task, const std::optional<config::Schedule>& schedule, Duration jitter,
                       std::optional<WallTime> last_run, std::function<void()> run, std::function<void()> on_skipped) {
    if (!schedule.has_value()) return;
    const pipeline::ScheduledTask scheduled = {
        .schedule = *schedule,
        .offset = pipeline::OffsetWithin(jitter, context.random),
        .last = last_run,
        .run =
            [&context, &metrics, task, run = std::move(run)] {
              run();
              metrics.RunEnded(task, UnixSeconds(context.clock.Now()));
            },
        .on_next = [&metrics, task](WallTime next) { metrics.SetNextRun(task, UnixSeconds(next)); },
        .on_skipped = std::move(on_skipped)};
    threads.emplace_back([&context, scheduled] { pipeline::RunSchedule(context.clock, context.stop, scheduled); });
  };
  add(
      report::Task::kSnapshot, config.snapshot.schedule, config.snapshot.jitter, last.snapshot,
      [&] {
        if (!snapshot_gate.RunHere([&] { tasks.TakeDueSnapshot(); })) metrics.SnapshotSkippedBusy();
      },
      [&] { metrics.SnapshotSkippedBusy(); });
  add(
      report::Task::kDrill, config.drill.schedule, config.drill.jitter, last.drill,
      [&] {
        if (!drill_gate.RunHere([&] { tasks.RunDrills(); })) metrics.DrillSkipped();
      },
      [&] { metrics.DrillSkipped(); });
  add(
      report::Task::kHealth, config::Every(config.health.interval), {}, {}, [&] { tasks.ProbeHealth(); }, [] {});
  // The receipts of a snapshot compare the members, too: so their last one counts.
  add(
      report::Task::kHashKv, config.health.hashkv, config.snapshot.jitter, last.snapshot,
      [&] { tasks.CompareMembers(); }, [] {});
  add(
      report::Task::kScrub, config::Every(std::min<Duration>(config.scrub.period / kScrubTurns, kScrubEveryMax)), {},
      {}, [&] { tasks.Scrub(); }, [] {});
  if (!config.adopt.files.empty()) {
    const pipeline::ScheduledTask look = {
        .schedule = config::Every(std::min<Duration>(config.adopt.quiet, kAdoptLookMax)),
        .run = [&] { tasks.Adopt(); }};
    threads.emplace_back([&context, look] { pipeline::RunSchedule(context.clock, context.stop, look); });
  }
}

}  // namespace

Status RunDaemon(const Context& context, const config::Config& config, const etcd::ConnectionOptions& connection) {
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  RETURN_IF_ERROR(store->TakeOwnership());
  RETURN_IF_ERROR(context.fs.MakeDirs(config.drill.scratch_dir, kPrivateDirMode));
  ASSIGN_OR_RETURN(const auto client, etcd::Client::Create(connection, context));
  std::atomic<const report::WebServer*> web = nullptr;  // serves before it is known here
  report::Metrics metrics(Fixed(context, config, *store, *client),
                          [&] { return ReadLive(context, config, *client, web); });
  report::StatusBoard board;
  SidecarTasks tasks(context, config, *client, *store, metrics, board);
  ASSIGN_OR_RETURN(const SidecarTasks::LastRuns last, tasks.ReadStore());
  TaskGate snapshot_gate;
  TaskGate drill_gate;
  const auto now = [&](TaskGate& gate, report::Task task, void (SidecarTasks::*run)()) {
    return [&, task, run] {
      return gate.StartElsewhere([&, task, run] {
        (tasks.*run)();
        metrics.RunEnded(task, UnixSeconds(context.clock.Now()));
      });
    };
  };
  const Lifecycle lifecycle = {.enabled = config.web.enable_lifecycle,
                               .reload = nullptr,
                               .snapshot = now(snapshot_gate, report::Task::kSnapshot, &SidecarTasks::TakeSnapshot),
                               .drill = now(drill_gate, report::Task::kDrill, &SidecarTasks::RunDrills)};
  ASSIGN_OR_RETURN(const auto server, report::WebServer::Start(context, config.web,
                                                               Routes(context.clock, context.stop, config.cluster.name,
                                                                      metrics, board, lifecycle)));
  web = server.get();
  context.log.Info("etcdrill started", {{"version", kVersion},
                                        {"store", config.store_path},
                                        {"port", server->port()},
                                        {"snapshot_schedule", TextOf(config.snapshot.schedule)},
                                        {"drill_schedule", TextOf(config.drill.schedule)}});
  ServiceManager service;
  service.Ready(context.clock, [&metrics] { metrics.Render(); });
  const std::stop_callback stopping(context.stop, [&service] { service.Stopping(); });
  RunSchedules(context, config, last, tasks, metrics, snapshot_gate, drill_gate);
  context.log.Info("etcdrill stopped");
  return OkStatus();
}

}  // namespace etcdrill::app
