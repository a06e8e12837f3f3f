// The thread of a run is also the parent of its etcd, which the kernel ends with it (pool.h).
#include <optional>
#include <vector>

#include "catalog/plans.h"
#include "pipeline/run_drill.h"
#include "proof/drill_summary.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

// While somebody copies a store, a file may lie there for a while before its manifest does.
constexpr Duration kLostPatience = std::chrono::seconds(30);
constexpr Duration kLookAgain = std::chrono::seconds(1);

bool IsCleanedUp(const pipeline::DrillReport& report) {
  return !report.stages.empty() && report.stages.back().result == StageResult::kPass;
}

class DrillTask final : public Task {
 public:
  DrillTask(ClusterState& state, report::ClusterMetrics& metrics, DrillTurn& turn)
      : Task(state, metrics, report::Task::kDrill), turn_(turn) {}

  void Run(const Context& run, const Generation& by, Occasion) override {
    const auto catalog = WaitForSnapshots(run, by);
    if (IsInterrupted(catalog.status())) return;
    if (!catalog.ok()) {
      metrics_.DrillStarted(UnixSeconds(run.clock.Now()));
      run.log.Error("drill failed",
                    {{"stage", NameOf(StageName::kSelect)}, {"err", MessageOf(catalog.status())}});
      metrics_.DrillEnded(StageName::kSelect, 0, true);
      return;
    }
    const std::vector<Manifest> plan =
        catalog::PlanDrills(**catalog, by.config().drill.sample, run.clock.Now());
    if (plan.empty()) {
      metrics_.DrillStarted(UnixSeconds(run.clock.Now()));
      Report(run, pipeline::DrillNothing(run, **catalog, state_.store()));
    }
    for (const Manifest& snapshot : plan) {
      if (by.retired().stop_requested()) return;
      const auto use = state_.store().Use(snapshot.name);
      // The first is the newest, also after it failed: an older one that passes must not hide that.
      if (use.ok()) DrillOne(run, by, snapshot, &snapshot == &plan.front());
      // Else retention was faster.
    }
  }

 private:
  Result<ClusterState::CatalogPtr> WaitForSnapshots(const Context& run, const Generation& by) {
    const Status ended = Error(Reason::kInterrupted, "stopped or reconfigured");
    std::optional<MonotonicTime> lost_since;
    while (true) {
      ASSIGN_OR_RETURN(ClusterState::CatalogPtr catalog, state_.Refresh(run));
      if (!catalog->snapshots.empty()) return catalog;
      if (catalog->lost.empty()) {
        lost_since.reset();
        if (!state_.WaitForSomething(by.retired())) return ended;
        continue;
      }
      const MonotonicTime now = run.clock.Monotonic();
      lost_since = lost_since.value_or(now);
      if (now - *lost_since >= kLostPatience) return catalog;
      if (!run.clock.SleepFor(kLookAgain, by.retired())) return ended;
    }
  }

  void DrillOne(const Context& run, const Generation& by, const Manifest& snapshot, bool newest) {
    const auto turn = turn_.Take(by.retired());
    if (turn == nullptr) return;
    metrics_.DrillStarted(UnixSeconds(run.clock.Now()));
    Report(run, pipeline::RunDrill(run,
                                   {.catalog = state_.follower(),
                                    .client = &by.client(),
                                    .snapshot = snapshot,
                                    .config = by.config().drill,
                                    .newest = newest},
                                   state_.store()));
  }

  void Report(const Context& run, const pipeline::StoredDrill& drill) {
    const pipeline::DrillReport& report = drill.report;
    if (IsInterrupted(report.outcome)) return;
    const Duration took = report.Took();
    const auto failed_in =
        report.passed() ? std::nullopt : std::optional(FailedStage(report.stages));
    metrics_.DrillEnded(failed_in, SecondsOf(took), IsCleanedUp(report));
    if (report.passed()) {
      run.log.Info("drill passed", {{"snapshot", report.snapshot},
                                    {"verdict", NameOf(report.verdict())},
                                    {"level_reached", report.level_reached()},
                                    {"etcd", report.etcd_version},
                                    {"duration_seconds", took}});
    } else {
      run.log.Error("drill failed", {{"snapshot", report.snapshot},
                                     {"stage", NameOf(*failed_in)},
                                     {"level_reached", report.level_reached()},
                                     {"reason", InfoOf(ReasonOf(report.outcome)).name},
                                     {"err", MessageOf(report.outcome)}});
    }
    if (!IsCleanedUp(report)) {
      run.log.Warn("drill cleanup failed", {{"err", report.stages.back().error}});
    }
    pipeline::TellWhatIsMissing(run, drill);
    state_.Refresh(run).status().IgnoreError();  // it is told
  }

  DrillTurn& turn_;
};

}  // namespace

std::unique_ptr<Task> MakeDrillTask(ClusterState& state, report::ClusterMetrics& metrics,
                                    DrillTurn& turn) {
  return std::make_unique<DrillTask>(state, metrics, turn);
}

}  // namespace etcdrill::sidecar
