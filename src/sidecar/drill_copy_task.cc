// The newest copy of one site, fetched from there. The thread of a run is also the parent of its
// etcd, which the kernel ends with it (pool.h).
#include <optional>
#include <string>
#include <utility>

#include "pipeline/drill_copy.h"
#include "proof/drill_summary.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

class DrillCopyTask final : public Task {
 public:
  DrillCopyTask(ClusterState& state, report::ClusterMetrics& metrics, DrillTurn& turn,
                std::string site)
      : Task(state, metrics), turn_(turn), site_(std::move(site)) {}

  void Run(const Context& run, const Generation& by, Occasion) override {
    const std::shared_ptr<sites::Site> site = by.site(site_);
    // Whoever has no key to the copies can't prove them; the metrics say so, and nothing failed.
    if (!site->config().CanDecrypt()) return;
    const auto known = state_.WaitForCopy(site_, by.retired());
    if (known == nullptr) return;
    const bool is_first = std::exchange(is_first_, false);
    if (is_first && WasDrilledLately(*known, by, run.clock.Now())) return;
    const auto turn = turn_.Take(by.retired());
    if (turn == nullptr) return;
    const auto contents = state_.WaitForCopy(site_, by.retired());  // as it is now
    if (contents == nullptr) return;
    const catalog::CatalogEntry& newest = *contents->catalog.Newest(run.clock.Now());
    Report(run, pipeline::DrillCopy(run,
                                    {.site = *site,
                                     .copy = contents->records.at(newest.manifest.name),
                                     .config = by.config().drill,
                                     .client = &by.client()},
                                    state_.store()));
  }

 private:
  // At the start nobody knows yet, and the timetable thinks that a drill is due.
  bool WasDrilledLately(const sites::Contents& contents, const Generation& by, WallTime now) const {
    const auto last = contents.catalog.LastDrill(now);
    const std::optional<config::Schedule>& schedule = by.site(site_)->config().drill;
    return last.has_value() && schedule.has_value() && now - *last < schedule->LongestGap() / 2;
  }

  void Report(const Context& run, const pipeline::StoredDrill& drill) {
    const pipeline::DrillReport& report = drill.report;
    if (IsInterrupted(report.outcome)) return;
    if (report.passed()) {
      state_.SetReadBack(site_, report.snapshot, true);
      run.log.Info("copy drill passed", {{"site", site_},
                                         {"copy", report.snapshot},
                                         {"etcd", report.etcd_version},
                                         {"duration_seconds", report.Took()}});
    } else {
      run.log.Error("copy drill failed", {{"site", site_},
                                          {"copy", report.snapshot},
                                          {"stage", NameOf(FailedStage(report.stages))},
                                          {"reason", InfoOf(ReasonOf(report.outcome)).name},
                                          {"err", MessageOf(report.outcome)}});
    }
    pipeline::TellWhatIsMissing(run, drill);
    state_.AskForRound(site_);
  }

  DrillTurn& turn_;
  const std::string site_;
  bool is_first_ = true;  // run of this process
};

}  // namespace

std::unique_ptr<Task> MakeDrillCopyTask(ClusterState& state, report::ClusterMetrics& metrics,
                                        DrillTurn& turn, std::string site) {
  return std::make_unique<DrillCopyTask>(state, metrics, turn, std::move(site));
}

}  // namespace etcdrill::sidecar
