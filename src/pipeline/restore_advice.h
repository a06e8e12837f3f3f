// What somebody who restored a drilled snapshot right now would have to know: by how much to raise
// the revision, and how long it would take with as much data as there is by now. docs/adr/0014.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "etcd/client.h"
#include "pipeline/drill_report.h"

namespace etcdrill::pipeline {

// The source as it is when the drill is over.
struct SourceNow {
  int64_t revision = 0;
  uint64_t db_bytes = 0;
};

// The most that any member of our cluster says: one that lags would have the revision raised by too
// little. `known` is the cluster that the drilled snapshot is of.
Result<SourceNow> AskSource(const etcd::Client& client, std::optional<uint64_t> known);

// For a report whose snapshot was readable. No forecast if the drill did not pass.
RestoreAdvice Advise(const DrillReport& report, const SourceNow& source);

// For `snapshot restore --bump-revision`: clients that have seen any revision up to `source` must
// never see one of theirs again with other content.
uint64_t SafeBump(int64_t snapshot_revision, int64_t source_revision);

}  // namespace etcdrill::pipeline
