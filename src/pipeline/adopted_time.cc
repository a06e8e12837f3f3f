// The source is the witness: by its heads, and by the snapshots that we took of it.
#include "pipeline/adopted_time.h"

#include <algorithm>
#include <optional>

#include "pipeline/receipt_check.h"

namespace etcdrill::pipeline {
namespace {

// When the source was beyond the revision of `m`, by a snapshot of about the same time: a file of
// others has the time at which its writing ended, and its revision is of when that began. A member
// holds the same as both, so that they are of one history.
std::optional<WallTime> PassedByStored(const std::vector<store::StoredSnapshot>& stored, const store::Manifest& m) {
  constexpr Duration kStreamMax = std::chrono::minutes(10);
  if (CountReceipt(m).equal == 0) return std::nullopt;
  for (const store::StoredSnapshot& s : stored) {
    const store::Manifest& other = s.manifest;
    const bool of_one_history = !other.adopted.has_value() && other.cluster_id == m.cluster_id;
    if (!of_one_history || other.revision <= m.revision) continue;
    if (other.taken < m.taken && m.taken - other.taken < kStreamMax) return other.taken;
  }
  return std::nullopt;
}

}  // namespace

void CutTime(const Context& context, const HeadHistory& heads, const std::vector<store::StoredSnapshot>& stored,
             store::Manifest& m) {
  if (m.other_history) return;
  WallTime latest = PassedByStored(stored, m).value_or(m.taken);
  if (const auto passed = heads.PassedBy(m.revision)) {
    latest = std::min(latest, context.clock.Now() - (context.clock.Monotonic() - *passed));
  }
  if (latest >= m.taken) return;
  if (m.taken - latest > kClockSlack) {  // else it may be the time that it took to write it
    context.log.Warn(
        "the time of a file of others can't be right: the source was beyond its revision before, and it counts from "
        "then; does its job copy old files?",
        {{"file", m.adopted->path},
         {"revision", m.revision},
         {"says", FormatRfc3339(m.taken)},
         {"passed", FormatRfc3339(latest)}});
  }
  const auto is_there = [&](const store::StoredSnapshot& s) { return s.manifest.name == m.name; };
  m.taken = std::chrono::floor<std::chrono::seconds>(latest);
  for (;; m.taken -= std::chrono::seconds(1)) {
    m.name = store::SnapshotName(m.cluster, m.revision, m.taken);
    if (std::none_of(stored.begin(), stored.end(), is_there)) return;
  }
}

}  // namespace etcdrill::pipeline
