// One that was deleted since the plan was made is passed over: retention was faster.
#include "catalog/plans.h"
#include "pipeline/scrub.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

class ScrubTask final : public Task {
 public:
  ScrubTask(ClusterState& state, report::ClusterMetrics& metrics)
      : Task(state, metrics, report::Task::kScrub) {}

  void Run(const Context& run, const Generation& by, Occasion) override {
    const auto catalog = state_.Refresh(run);
    if (!catalog.ok()) return;  // it is told
    const auto plan = catalog::PlanScrub(**catalog, by.config().scrub.period, run.clock.Now());
    for (const catalog::CatalogEntry* entry : plan) {
      if (by.retired().stop_requested()) return;
      const auto use = state_.store().Use(entry->manifest.name);
      if (use.ok()) ScrubOne(run, by, *entry);
    }
    if (!plan.empty()) state_.Refresh(run).status().IgnoreError();  // it is told
  }

 private:
  void ScrubOne(const Context& run, const Generation& by, const catalog::CatalogEntry& entry) {
    const std::string& name = entry.manifest.name;
    const pipeline::ScrubOutcome outcome =
        pipeline::ScrubSnapshot(run, entry, by.config().scrub.bytes_per_second, state_.store());
    if (IsInterrupted(outcome.bytes)) return;
    const bool damaged = Is(outcome.bytes, Reason::kDamaged);
    if (outcome.bytes.ok()) {
      metrics_.Scrubbed(entry.manifest.size_bytes);
      run.log.Debug("snapshot scrubbed", {{"snapshot", name}});
      if (outcome.right_again) run.log.Info("stored snapshot intact again", {{"snapshot", name}});
    } else {
      metrics_.ScrubFailed(damaged);
      run.log.Error(damaged ? "stored snapshot changed" : "stored snapshot unreadable",
                    {{"snapshot", name}, {"err", MessageOf(outcome.bytes)}});
    }
    if (!outcome.recorded.ok()) {
      run.log.Error("scrub result not recorded",
                    {{"snapshot", name}, {"err", MessageOf(outcome.recorded)}});
    }
    if (damaged) state_.Refresh(run).status().IgnoreError();  // it is told
  }
};

}  // namespace

std::unique_ptr<Task> MakeScrubTask(ClusterState& state, report::ClusterMetrics& metrics) {
  return std::make_unique<ScrubTask>(state, metrics);
}

}  // namespace etcdrill::sidecar
