// What follows from an attempt is decided in decisions.h.
#include <utility>

#include "pipeline/adopt.h"
#include "pipeline/foreign_files.h"
#include "sidecar/decisions.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

class AdoptTask final : public Task {
 public:
  AdoptTask(const Context& context, ClusterState& state, report::ClusterMetrics& metrics,
            SnapshotFollowUp& follow_up)
      : Task(state, metrics), context_(context), follow_up_(follow_up) {}

  void Run(const Context& run, const Generation& by, Occasion) override {
    Watch(by);
    const pipeline::AdoptedFiles adopted = pipeline::AdoptedOf(*state_.Stored(), run.clock.Now());
    const auto file = files_->FindNew(adopted);
    if (!file.has_value()) return;
    const auto outcome = pipeline::AdoptSnapshot(
        run, {.client = by.client(), .catalog = state_.follower(), .cluster = state_.cluster()},
        *file, state_.Heads(), state_.store());
    if (IsInterrupted(outcome.status())) return;
    const bool is_known =
        Is(outcome, Reason::kAlreadyExists) &&
        (adopted.Has(*file) || follow_up_.ConfirmUnchanged(run, by, Duration::max()));
    const AfterAdoption after = JudgeAdoption(outcome, is_known);
    Settle(run, *file, outcome, after.file);
    Tell(run, by, *file, outcome, after.tell);
  }

 private:
  // By a new configuration the first look is a first look again.
  void Watch(const Generation& by) {
    if (!IsFirstBy(by)) return;
    const config::Config& config = by.config();
    files_ = std::make_unique<pipeline::ForeignFiles>(context_, config.adopt.files,
                                                      config.adopt.quiet, config.store_path);
  }

  void Settle(const Context& run, const pipeline::ForeignFile& file,
              const Result<pipeline::SnapshotOutcome>& outcome, AfterAdoption::File fate) {
    switch (fate) {
      case AfterAdoption::File::kAdopted:
        return files_->Adopted(file, outcome.ok() ? outcome->manifest.taken : run.clock.Now());
      case AfterAdoption::File::kDone:
        return files_->Done(file);
      case AfterAdoption::File::kTryAgain:
        return files_->TryAgain(file);
    }
  }

  void Tell(const Context& run, const Generation& by, const pipeline::ForeignFile& file,
            const Result<pipeline::SnapshotOutcome>& outcome, AfterAdoption::Tell what) {
    switch (what) {
      case AfterAdoption::Tell::kNothing:
        return;
      case AfterAdoption::Tell::kOldBytes:
        return run.log.Warn("import skipped: content already in the store",
                            {{"file", file.path}, {"err", MessageOf(outcome.status())}});
      case AfterAdoption::Tell::kNoSnapshot:
        return run.log.Warn("import skipped: not a snapshot",
                            {{"file", file.path}, {"err", MessageOf(outcome.status())}});
      case AfterAdoption::Tell::kOtherHistory:
        run.log.Warn("adopted snapshot of another history",
                     {{"snapshot", outcome->manifest.name},
                      {"file", file.path},
                      {"err", outcome->manifest.lineage->text}});
        return follow_up_.DeleteSurplus(run, by);
      case AfterAdoption::Tell::kOutcome:
        metrics_.SnapshotStarted();
        return follow_up_.Report(run, by, outcome, 0);
    }
  }

  const Context& context_;
  SnapshotFollowUp& follow_up_;
  std::unique_ptr<pipeline::ForeignFiles> files_;  // null before a run
};

}  // namespace

std::unique_ptr<Task> MakeAdoptTask(const Context& context, ClusterState& state,
                                    report::ClusterMetrics& metrics, SnapshotFollowUp& follow_up) {
  return std::make_unique<AdoptTask>(context, state, metrics, follow_up);
}

}  // namespace etcdrill::sidecar
