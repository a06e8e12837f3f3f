// Bookkeeping of one drill: runs its stages, times them, skips the rest after a failure, and turns
// what came out into the report. The order of the stages, and what each does, is in run.cc.
#pragma once

#include <string_view>
#include <vector>

#include "drill/etcd_binary.h"
#include "drill/probe.h"
#include "format/snapshot/image.h"
#include "io/time_limit.h"
#include "pipeline/drill_report.h"
#include "pipeline/run.h"

namespace etcdrill::pipeline {

// Members of a drill with full_cluster, before it adds one.
inline constexpr size_t kFullCluster = 3;

// kNoSpace if the scratch file system can't hold what a drill of `image` writes.
Status CheckScratchSpace(const Context& context, const DrillRequest& request,
                         const snapshot::Image& image);

// kNoMemory if so many etcds with that many rows each would not fit into what is left of the
// memory, its control group's limit included, or one of them not into `limit` bytes.
Status CheckMemory(uint64_t rows, size_t etcds, std::optional<uint64_t> limit);

// Not thread-safe. Both arguments must outlive it.
class DrillStages {
 public:
  DrillStages(const Context& context, const DrillRequest& request);

  // Runs the stage unless an earlier one failed, or the time is up. When it is up in the middle,
  // whatever the stage does under context() ends as for a stop.
  template <typename Body>
  void Run(StageName name, Body&& body) {
    if (report_.outcome.ok() && context_.clock.Monotonic() >= limit_.deadline()) {
      report_.outcome = OutOfTime(name, "it had not begun");
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

  // Body of the stage `checksum`: fills report().verify and the checks that need no etcd.
  Status VerifySnapshot(const snapshot::Image& image);
  // After VerifySnapshot: the etcd that may boot it, of the minor version that wrote it; or why
  // none can.
  Result<drill::EtcdBinary> ChooseEtcd();
  // Body of the stage `boot` where there is no etcd: what the file itself says to the assertions.
  Status CheckAssertionsWithoutEtcd(const snapshot::Image& image);
  // Adds checks; an error names those that failed.
  Status Add(const std::vector<drill::Check>& checks);
  // The drill so far, if it passed, is what a restore would take.
  void MeasureRto();
  // After all stages: it is no part of the measured restore, and etcd needs its memory no more.
  void LookBack(const std::optional<snapshot::Image>& image);
  DrillReport Finish();

  const Context& context() const { return limit_.context(); }
  DrillReport& report() { return report_; }
  const drill::Expectation& expectation() const { return expectation_; }

 private:
  std::vector<int> WantedMinors() const;  // any will do, the best first; none if nothing tells
  void Record(StageName name, Status status, double seconds);
  // `state`: how far the stage had come.
  Status OutOfTime(StageName stage, std::string_view state) const;

  const Context& context_;
  const DrillRequest& request_;
  const Stopwatch watch_;
  const TimeLimit limit_;
  DrillReport report_;
  drill::Expectation expectation_;
};

}  // namespace etcdrill::pipeline
