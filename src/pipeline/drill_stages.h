// Bookkeeping of one drill: runs its stages, times them, skips the rest after a failure, and turns
// what came out into the report. The order of the stages, and what each does, is in ladder.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drill/result.h"
#include "io/time_limit.h"
#include "pipeline/drill_report.h"

namespace etcdrill::pipeline {

// Not thread-safe. `context` must outlive it.
class DrillStages {
 public:
  // `snapshot` is for the report: a name in the store, or a path.
  DrillStages(const Context& context, std::string snapshot, Duration timeout);

  // Runs the stage unless an earlier one failed, or the time is up. When it is up in the middle,
  // whatever the stage does under context() ends as for a stop.
  template <typename Body>
  void Run(StageName name, Body&& body) {
    if (report_.outcome.ok() && context_.clock.Monotonic() >= limit_.deadline()) {
      report_.outcome = OutOfTime(name, "not started");
    }
    if (report_.outcome.ok()) {
      RunAlways(name, body);
    } else {
      report_.stages.push_back({name, StageResult::kSkipped, 0, ""});
    }
  }
  template <typename Body>
  void RunAlways(StageName name, Body&& body) {
    const Stopwatch watch(context_.clock);
    const Status status = body();
    Record(name, status, watch.Seconds());
  }

  // Adds checks; an error names those that failed.
  Status Add(const std::vector<drill::Check>& checks);
  // The drill so far, if it passed, is what a restore would take.
  void MeasureRto();
  DrillReport Finish();

  const Context& context() const { return limit_.context(); }
  DrillReport& report() { return report_; }

 private:
  void Record(StageName name, Status status, double seconds);
  // `state`: how far the stage had come.
  Status OutOfTime(StageName stage, std::string_view state) const;

  const Context& context_;
  const Duration timeout_;
  const Stopwatch watch_;
  const TimeLimit limit_;
  DrillReport report_;
};

}  // namespace etcdrill::pipeline
