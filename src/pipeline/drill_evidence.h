// The stored form of a drill report: who made it, and the report before it with its SHA-256. So a
// report that was changed, or taken out of the row, is noticed; what is not: the newest ones gone,
// and a whole row written anew by somebody who can write to the store. Whoever needs more keeps the
// hash of the newest elsewhere.
#pragma once

#include <string>
#include <vector>

#include "pipeline/drill_report.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

// The report as JSON with an object `evidence` at its end. `before` is the newest report in the
// store.
std::string EvidenceJson(const DrillReport& report, const std::optional<store::DrillFile>& before);

// What is wrong with the row; nothing if it is whole. Reports of before there was a row may stand
// at its beginning.
std::vector<std::string> CheckEvidence(const std::vector<store::DrillFile>& drills);

}  // namespace etcdrill::pipeline
