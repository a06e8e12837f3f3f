// See restore_advice.h.
#include "pipeline/restore_advice.h"

#include <algorithm>

#include "etcd/roll_call.h"

namespace etcdrill::pipeline {

Result<SourceNow> AskSource(const etcd::Client& client, std::optional<uint64_t> known) {
  const etcd::RollCall roll = etcd::CallRoll(client, known);
  RETURN_IF_ERROR(roll.outcome);
  SourceNow now;
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) continue;
    now.revision = std::max(now.revision, member->status->revision);
    now.db_bytes = std::max(now.db_bytes, static_cast<uint64_t>(member->status->db_size_bytes));
  }
  return now;
}

uint64_t SafeBump(int64_t snapshot_revision, int64_t source_revision) {
  // Between this answer and the restore the source may write as much again, and revisions are 63
  // bits wide: a round number with room costs nothing.
  constexpr uint64_t kStep = 1'000'000;
  const auto missed =
      static_cast<uint64_t>(std::max<int64_t>(source_revision - snapshot_revision, 0));
  return (2 * missed / kStep + 1) * kStep;
}

RestoreAdvice Advise(const DrillReport& report, const SourceNow& source) {
  const verify::VerifyReport& seen = *report.verify;
  const int64_t revision = seen.keyspace->hashkv.revision;
  RestoreAdvice advice{.source_revision = source.revision,
                       .missed_revisions = std::max<int64_t>(source.revision - revision, 0),
                       .bump_revision = SafeBump(revision, source.revision),
                       .source_bytes = source.db_bytes,
                       .rto_seconds = std::nullopt};
  if (report.passed() && seen.size_bytes > 0) {
    // A straight line through what was measured; never less than that, because a part of it has
    // nothing to do with size.
    const double growth =
        static_cast<double>(source.db_bytes) / static_cast<double>(seen.size_bytes);
    advice.rto_seconds = report.rto_seconds * std::max(growth, 1.0);
  }
  return advice;
}

}  // namespace etcdrill::pipeline
