// Each schedule has a thread; the drill's thread is also the parent of its etcd, which the kernel
// ends with it.
#include "sidecar/generation.h"

#include "io/memory.h"
#include "io/scratch_dir.h"
#include "sidecar/sidecar_facts.h"
#include "sidecar/task_run.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

// How often one looks which snapshots are due to be hashed again.
constexpr int kScrubTurns = 24;  // in a period
constexpr Duration kScrubEveryMax = 1h;

constexpr Duration kAdoptLookMax = 10s;  // between two looks at the folders of others
constexpr Duration kStoreLook =
    10s;  // and at the store, where a command or another sidecar may have been
constexpr Duration kTurnLook = 2s;  // at who is the leader, while a snapshot is due

}  // namespace

Result<std::shared_ptr<Generation>> Generation::Create(Permanent& permanent, Settings settings) {
  const Context& context = permanent.context;
  RETURN_IF_ERROR(context.fs.MakeDirs(settings.config.drill.scratch_dir, kPrivateDirMode));
  ScratchDir::Sweep(context,
                    settings.config.drill.scratch_dir);  // the next drill may be a day away
  ASSIGN_OR_RETURN(auto client,
                   etcd::Client::Create(settings.connection, context, permanent.counts));
  std::shared_ptr<Generation> generation(
      new Generation(permanent, std::move(settings), std::move(client)));
  ASSIGN_OR_RETURN(generation->last_, generation->tasks_.ReadStore(context));
  return generation;
}

Generation::Generation(Permanent& permanent, Settings settings,
                       std::unique_ptr<etcd::Client> client)
    : permanent_(permanent),
      settings_(std::move(settings)),
      client_(std::move(client)),
      on_stop_(permanent.context.stop, [this] { Retire(); }),
      tasks_(permanent.context, config(), *client_, permanent.store, permanent.metrics,
             permanent.board, retired_.get_token()) {}

void Generation::Start() {
  using report::Metrics;
  using report::Task;
  permanent_.context.log.SetLevel(settings_.log_level);
  permanent_.metrics.Reloaded(
      FixedFactsOf(config(), *client_, permanent_.store.created(), permanent_.process_start),
      UnixSeconds(permanent_.context.clock.Now()));
  const config::SnapshotConfig& snapshot = config().snapshot;
  const config::DrillConfig& drill = config().drill;
  const Duration scrub_every =
      std::min<Duration>(config().scrub.period / kScrubTurns, kScrubEveryMax);
  using Last = SidecarTasks::LastRuns;
  const bool takes_turns = snapshot.when == config::When::kMemberIsLeader;
  Schedule(Task::kSnapshot, snapshot.schedule, snapshot.jitter, &Last::snapshot,
           permanent_.snapshot,
           takes_turns ? &SidecarTasks::TakeTurn : &SidecarTasks::TakeDueSnapshot,
           &Metrics::SnapshotSkippedBusy);
  if (takes_turns) Look(permanent_.snapshot, kTurnLook, &SidecarTasks::TakeOwedSnapshot);
  Schedule(Task::kDrill, drill.schedule, drill.jitter, &Last::drill, permanent_.drill,
           &SidecarTasks::RunDrills, &Metrics::DrillSkipped);
  Schedule(Task::kHealth, config::Every(config().health.interval), {}, nullptr, permanent_.health,
           &SidecarTasks::ProbeHealth, nullptr);
  // The receipts of a snapshot compare the members, too: so their last one counts.
  Schedule(Task::kHashKv, config().health.hashkv, snapshot.jitter, &Last::snapshot,
           permanent_.hashkv, &SidecarTasks::CompareMembers, nullptr);
  Schedule(Task::kScrub, config::Every(scrub_every), {}, nullptr, permanent_.scrub,
           &SidecarTasks::Scrub, nullptr);
  Look(permanent_.follow, kStoreLook, &SidecarTasks::FollowStore);
  if (config().adopt.files.empty()) return;
  Look(permanent_.adopt, std::min<Duration>(config().adopt.quiet, kAdoptLookMax),
       &SidecarTasks::Adopt);
}

void Generation::Look(TaskGate& gate, Duration every, Task task) {
  Schedule(gate, nullptr, {.schedule = config::Every(every), .run = [this, &gate, task] {
                             gate.RunHere([&] { Run(task); });
                           }});
}

void Generation::Schedule(report::Task name, const std::optional<config::Schedule>& schedule,
                          Duration jitter, LastRun last, TaskGate& gate, Task task,
                          void (report::Metrics::*skipped)()) {
  if (!schedule.has_value()) return;
  const auto count_skipped = [this, skipped] {
    if (skipped != nullptr) (permanent_.metrics.*skipped)();
  };
  Schedule(
      gate, last,
      {.schedule = *schedule,
       .offset = OffsetWithin(jitter, permanent_.context.random),
       .run =
           [this, name, task, count_skipped, &gate] {
             if (!gate.RunHere([&] { Run(name, task); })) count_skipped();
           },
       .on_next = [this,
                   name](WallTime next) { permanent_.metrics.SetNextRun(name, UnixSeconds(next)); },
       .on_skipped = count_skipped});
}

void Generation::Schedule(TaskGate& gate, LastRun last, ScheduledTask scheduled) {
  ++running_;
  if (last != nullptr) scheduled.last_again = [this, last] { return ReadLast(last); };
  schedules_.emplace_back([this, &gate, last, scheduled = std::move(scheduled)]() mutable {
    if (WaitForEarlierRun(gate, last, scheduled.last)) {
      RunSchedule(permanent_.context.clock, retired_.get_token(), scheduled);
    }
    --running_;
  });
}

// What the generation before had begun may be the very run that is due now; and if it gives up,
// this one is due at once.
bool Generation::WaitForEarlierRun(TaskGate& gate, LastRun last,
                                   std::optional<WallTime>& last_run) {
  const TaskGate::Wait waited = gate.WaitUntilFree(retired_.get_token());
  if (waited == TaskGate::Wait::kStopped) return false;
  if (last == nullptr) return true;
  last_run = waited == TaskGate::Wait::kWasFree ? last_.*last : ReadLast(last);
  return true;
}

std::optional<WallTime> Generation::ReadLast(LastRun last) {
  const auto now = tasks_.ReadStore(permanent_.context);
  return (now.ok() ? *now : last_).*last;
}

void Generation::Run(Task task) {
  const TaskRun run(permanent_.context);
  (tasks_.*task)(run.context());
}

void Generation::Run(report::Task name, Task task) {
  permanent_.metrics.RunBegan(name);
  Run(task);
  ReturnFreedMemory();
  permanent_.metrics.RunEnded(name, UnixSeconds(permanent_.context.clock.Now()));
}

void Generation::Finish() {
  Retire();
  schedules_.clear();
}

bool Generation::TakeSnapshotNow() {
  return permanent_.snapshot.StartElsewhere([self = shared_from_this()] {
    self->Run(report::Task::kSnapshot, &SidecarTasks::TakeSnapshot);
  });
}

bool Generation::DrillNow() {
  return permanent_.drill.StartElsewhere(
      [self = shared_from_this()] { self->Run(report::Task::kDrill, &SidecarTasks::RunDrills); });
}

}  // namespace etcdrill::sidecar
