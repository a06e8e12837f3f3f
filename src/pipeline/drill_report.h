// The evidence of one drill: what was done, how long it took, what was compared with what. Kept in
// the store as JSON, read back for metrics and listings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"
#include "drill/result.h"
#include "proof/drill_summary.h"
#include "store/drill_order.h"
#include "verify/report.h"

namespace etcdrill::pipeline {

// If the snapshot were restored now. How it comes about: run_drill.h.
struct RestoreAdvice {
  int64_t source_revision = 0;
  int64_t missed_revisions = 0;  // that the source has gone on since
  uint64_t bump_revision = 0;    // safe for `snapshot restore --bump-revision`
  uint64_t source_bytes = 0;
  std::optional<double> rto_seconds;  // forecast for so many bytes
};

struct DrillReport {
  std::string id;  // of this drill alone, and of its mark in the store; empty if it is of a file
  std::string snapshot;           // a name in the store or of a copy at `site`, or a path
  std::string site;               // that the copy was fetched from; empty: from none
  std::optional<WallTime> taken;  // crosscheck::TakenAt; none if not verified; not in the JSON
  bool newest = true;             // of its store at that time
  Levels levels;                  // as far as the drill came; those of the file as `verify` says
  WallTime started{};
  WallTime finished{};
  std::vector<Stage> stages;
  std::vector<drill::Check> checks;
  // From opening the snapshot to a healthy, verified etcd; 0 if it did not come to that.
  double rto_seconds = 0;
  std::string etcd_version;
  std::optional<verify::VerifyReport> verify;
  std::optional<RestoreAdvice> advice;  // none if the source was not asked, or did not answer
  Status outcome;  // OK, or why the drill failed or proves nothing; not part of the JSON

  Verdict verdict() const { return Judge(levels, findings(), kTopLevel); }
  int level_reached() const { return LevelReached(levels, findings()); }
  const Findings& findings() const [[clang::lifetimebound]];
  bool passed() const { return outcome.ok(); }
  // All stages together, by a clock that nobody sets.
  Duration Took() const;
};

Json ToJson(const DrillReport& report);

// The stored form of a drill report: who made it, and the report before it with its SHA-256. So a
// report that was changed, or taken out of the row, is noticed; what is not: the newest ones gone,
// and a whole row written anew by somebody who can write to the store. Whoever needs more keeps the
// hash of the newest elsewhere.
//
// The report as JSON with an object `evidence` at its end. `before` is the newest report in the
// store.
std::string EvidenceJson(const DrillReport& report, const std::optional<store::DrillFile>& before);

// What is wrong with the row; nothing if it is whole. Reports of before there was a row may stand
// at its beginning.
std::vector<std::string> CheckEvidence(const std::vector<store::DrillFile>& drills);

}  // namespace etcdrill::pipeline
