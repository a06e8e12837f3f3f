// What each task's schedule is, and how one configuration follows the other.
#include "sidecar/cluster_runtime.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "pipeline/drill_evidence.h"
#include "sidecar/tasks.h"
#include "sidecar/timetable.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

// How often one looks which snapshots are due to be hashed again.
constexpr int kScrubTurns = 24;  // in a period
constexpr Duration kScrubEveryMax = 1h;

// Between two looks
constexpr Duration kAdoptLookMax = 10s;  // at the folders of others;
constexpr Duration kStoreLook = 10s;     // at the store, where a command or another sidecar may be;
constexpr Duration kTurnLook = 2s;       // at who is the leader, while a snapshot is due;
constexpr Duration kSiteLook = 2s;       // whether a site lacks something.

bool TakesTurns(const config::Config& config) {
  return config.snapshot.when == config::When::kMemberIsLeader;
}

}  // namespace

Result<std::unique_ptr<ClusterRuntime>> ClusterRuntime::Create(const Context& context,
                                                               const Settings& settings,
                                                               Timer& timer, Pool& pool) {
  ASSIGN_OR_RETURN(auto store, store::LocalStore::Open(context, settings.config.store_path));
  RETURN_IF_ERROR(store->TakeOwnership(TakesTurns(settings.config) ? store::Ownership::kShared
                                                                   : store::Ownership::kAlone));
  pipeline::TellOfKilledDrills(context, *store);
  auto counts = std::make_shared<etcd::CallCounts>();
  auto meters = std::make_shared<SiteMeters>();
  ASSIGN_OR_RETURN(auto first, Generation::Create(context, settings, counts, meters));
  std::unique_ptr<ClusterRuntime> runtime(new ClusterRuntime(context, timer, pool, std::move(store),
                                                             std::move(counts), std::move(meters),
                                                             std::move(first)));
  RETURN_IF_ERROR(runtime->state_.Read(context).status());
  return runtime;
}

ClusterRuntime::ClusterRuntime(const Context& context, Timer& timer, Pool& pool,
                               std::unique_ptr<store::LocalStore> store,
                               std::shared_ptr<etcd::CallCounts> counts,
                               std::shared_ptr<SiteMeters> meters,
                               std::shared_ptr<Generation> first)
    : context_(context),
      timer_(timer),
      pool_(pool),
      store_(std::move(store)),
      counts_(std::move(counts)),
      meters_(std::move(meters)),
      current_(std::move(first)),
      state_(context, *store_, current_->config().cluster.name),
      metrics_(state_.cluster(), current_->Endpoints()),
      follow_up_(state_, metrics_),
      snapshot_(MakeTakeSnapshotTask(state_, metrics_, follow_up_)),
      drill_(MakeDrillTask(state_, metrics_, drill_turn_)),
      adopt_(MakeAdoptTask(context, state_, metrics_, follow_up_)),
      scrub_(MakeScrubTask(state_, metrics_)),
      health_(MakeHealthTask(state_, metrics_)),
      compare_(MakeCompareMembersTask(state_, metrics_)),
      follow_(MakeFollowStoreTask(state_, metrics_)) {
  state_.SetConfig(current_->shared_config());
  for (const config::SiteConfig& site : current_->config().sites) {
    sites_[site.name] = {
        .copy = MakeCopyToSiteTask(context, state_, metrics_, follow_up_, site.name),
        .drill = MakeDrillCopyTask(state_, metrics_, drill_turn_, site.name)};
  }
  CHECK(Tasks().size() == CountTasks(current_->config()));  // or one would wait for a thread
}

size_t ClusterRuntime::CountTasks(const config::Config& config) {
  constexpr size_t kOfTheStore = 7;
  constexpr size_t kOfASite = 2;
  return kOfTheStore + kOfASite * config.sites.size();
}

std::vector<Task*> ClusterRuntime::Tasks() const {
  std::vector<Task*> tasks = {snapshot_.get(), drill_.get(),   adopt_.get(), scrub_.get(),
                              health_.get(),   compare_.get(), follow_.get()};
  for (const auto& [name, of_site] : sites_) {
    tasks.push_back(of_site.copy.get());
    tasks.push_back(of_site.drill.get());
  }
  return tasks;
}

report::View ClusterRuntime::View() const {
  report::View view = state_.View();
  const std::shared_ptr<Generation> now = Current();
  for (report::SiteView& site : view.sites) {
    site.traffic = now->meters().at(site.name).Read();
    site.credentials_end = now->site(site.name)->CredentialsEnd();
  }
  return view;
}

std::shared_ptr<Generation> ClusterRuntime::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<std::shared_ptr<Generation>> ClusterRuntime::Prepare(const Settings& settings) {
  ASSIGN_OR_RETURN(auto next, Generation::Create(context_, settings, counts_, meters_));
  RETURN_IF_ERROR(state_.Read(context_).status());
  return next;
}

void ClusterRuntime::PutInForce(std::shared_ptr<Generation> next) {
  timer_.Set(state_.cluster(), {});  // or it could tell when the one before would have run
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Generation> before = std::exchange(current_, next);
  lock.unlock();
  before->Retire();
  state_.SetConfig(next->shared_config());
  metrics_.Reloaded(before->config(), next->config(), next->Endpoints());
  Start();
}

void ClusterRuntime::Start() { timer_.Set(state_.cluster(), Schedules(Current()->config())); }

void ClusterRuntime::Finish() {
  timer_.Set(state_.cluster(), {});
  Current()->Retire();
  for (Task* task : Tasks()) task->Close();
}

bool ClusterRuntime::Begin(Task& task, Occasion why) {
  auto by = Current();
  if (by->retired().stop_requested()) return false;
  return task.Start(pool_, context_, std::move(by), why, [&timer = timer_] { timer.Wake(); });
}

ScheduledTask ClusterRuntime::Scheduled(Task& task, config::Schedule schedule, Occasion why) {
  return {.schedule = std::move(schedule),
          .is_free = [&task] { return task.IsFree(); },
          .start = [this, &task, why] { return Begin(task, why); }};
}

std::vector<ScheduledTask> ClusterRuntime::Schedules(const config::Config& config) {
  std::vector<ScheduledTask> tasks;
  // A task of which the metrics tell when it runs next.
  const auto add = [&](Task& task, const std::optional<config::Schedule>& schedule,
                       Duration jitter = {}, LastRun last = nullptr,
                       void(report::ClusterMetrics::*skipped)() = nullptr) {
    if (!schedule.has_value()) return;
    ScheduledTask& added = tasks.emplace_back(Scheduled(task, *schedule, Occasion::kDue));
    added.offset = OffsetWithin(jitter, context_.random);
    added.last = std::move(last);
    added.on_next = [this, name = task.name().value()](WallTime next) {
      metrics_.SetNextRun(name, UnixSeconds(next));
    };
    if (skipped != nullptr) added.on_skipped = [this, skipped] { (metrics_.*skipped)(); };
  };
  // A task that mostly finds nothing to do; nobody is told when.
  const auto look = [&](Task& task, Duration every) {
    ScheduledTask& added =
        tasks.emplace_back(Scheduled(task, config::Every(every), Occasion::kLook));
    // Else it would close the gate to what is due at the same moment.
    added.start = [this, &task] { return task.MayLook() && Begin(task, Occasion::kLook); };
  };
  using report::ClusterMetrics;
  const LastRun last_snapshot = [this] { return state_.Last().snapshot; };
  const LastRun last_drill = [this] { return state_.Last().drill; };
  const config::SnapshotConfig& snapshot = config.snapshot;
  const Duration scrub_every =
      std::min<Duration>(config.scrub.period / kScrubTurns, kScrubEveryMax);
  add(*snapshot_, snapshot.schedule, snapshot.jitter, last_snapshot,
      &ClusterMetrics::SnapshotSkippedBusy);
  if (TakesTurns(config)) look(*snapshot_, kTurnLook);
  add(*drill_, config.drill.schedule, config.drill.jitter, last_drill,
      &ClusterMetrics::DrillSkipped);
  add(*health_, config::Every(config.health.interval));
  // The receipts of a snapshot compare the members, too: so their last one counts.
  add(*compare_, config.health.hashkv, snapshot.jitter, last_snapshot);
  add(*scrub_, config::Every(scrub_every));
  look(*follow_, kStoreLook);
  if (!config.adopt.files.empty())
    look(*adopt_, std::min<Duration>(config.adopt.quiet, kAdoptLookMax));
  for (const config::SiteConfig& site : config.sites) {
    const SiteTasks& of_site = sites_.at(site.name);
    look(*of_site.copy, kSiteLook);
    if (site.drill.has_value()) {
      tasks.push_back(Scheduled(*of_site.drill, *site.drill, Occasion::kDue));
      tasks.back().last = [this, name = site.name] { return state_.LastDrillOf(name); };
    }
  }
  return tasks;
}

report::ClusterScrape ClusterRuntime::Scrape() {
  const std::shared_ptr<Generation> now = Current();
  report::Surroundings around;
  around.certificates = now->Certificates();
  around.calls = counts_;
  for (const auto& [volume, path] : {std::pair("store", now->config().store_path),
                                     std::pair("scratch", now->config().drill.scratch_dir)}) {
    if (const auto space = context_.fs.Space(path); space.ok())
      around.volumes.emplace_back(volume, *space);
  }
  return {metrics_, View(), std::move(around)};
}

}  // namespace etcdrill::sidecar
