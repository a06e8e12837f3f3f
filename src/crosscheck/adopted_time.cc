// The source is the witness: by its heads, and by the snapshots of it that are stored.
#include "crosscheck/adopted_time.h"

#include <algorithm>
#include <optional>

#include "crosscheck/receipt_check.h"
#include "crosscheck/store_lineage.h"
#include "etcd/ids.h"
#include "store/names.h"
#include "verify/report.h"

namespace etcdrill::crosscheck {
namespace {

// When the source was beyond the revision of `m`, by the snapshots of it that are stored. Those of
// before it went back say nothing: that it did shows in the lineage of the first one after that, or
// in its head.
std::optional<WallTime> PassedByStored(const HeadHistory& heads,
                                       const std::vector<store::StoredSnapshot>& stored,
                                       const Manifest& m) {
  std::optional<WallTime> passed;
  if (!heads.Head().has_value()) return passed;
  for (auto s = stored.rbegin(); s != stored.rend(); ++s) {
    const Manifest& other = s->manifest;
    const bool sound = other.verdict != Verdict::kDamaged;
    if (other.cluster != m.cluster || other.other_history || !sound) continue;
    const auto cluster_id = etcd::ParseId(other.cluster_id);
    const bool of_another = cluster_id.has_value() && cluster_id != heads.cluster_id();
    if (of_another || other.revision > *heads.Head()) break;
    if (other.revision > m.revision) passed = std::min(passed.value_or(other.taken), other.taken);
    if (LineageOf(other) == Continuity::kDiverged) break;
  }
  return passed;
}

void TellWrong(const Context& context, std::string_view why, const Manifest& m,
               WallTime counts_from) {
  context.log.Warn(why, {{"file", m.adopted->path},
                         {"revision", m.revision},
                         {"says", FormatRfc3339(m.taken)},
                         {"counts_from", FormatRfc3339(counts_from)}});
}

}  // namespace

void BoundTime(const Context& context, const HeadHistory& heads,
               const std::vector<store::StoredSnapshot>& stored, Manifest& m) {
  if (m.other_history) return;
  const auto wall = [now = context.clock.Now(),
                     monotonic = context.clock.Monotonic()](MonotonicTime t) {
    return std::chrono::floor<std::chrono::seconds>(now - (monotonic - t));
  };
  // Only a member that holds the same says that it was the source that reached it.
  const auto below = CountReceipt(m).equal > 0 ? heads.LastBelow(m.revision) : std::nullopt;
  if (below.has_value() && wall(*below) - m.taken > kClockSlack) {
    TellWrong(context,
              "the time of a file of others can't be right: the source reached its revision only "
              "later, and it counts from then; does its name tell local time as UTC, or a number "
              "that is no time?",
              m, wall(*below));
    m.taken = wall(*below);
  }
  WallTime latest = PassedByStored(heads, stored, m).value_or(m.taken);
  if (const auto passed = heads.PassedBy(m.revision))
    latest = std::min<WallTime>(latest, wall(*passed));
  if (m.taken - latest > kClockSlack) {  // else it may be the time that it took to write it
    TellWrong(context,
              "the time of a file of others can't be right: the source was beyond its revision "
              "before, and it counts from then; does its job copy old files?",
              m, latest);
  }
  m.taken = std::min(m.taken, latest);
}

void GiveFreeName(const std::vector<store::StoredSnapshot>& stored, Manifest& m) {
  const auto is_there = [&](const store::StoredSnapshot& s) { return s.manifest.name == m.name; };
  for (;; m.taken -= std::chrono::seconds(1)) {
    m.name = store::SnapshotName(m.cluster, m.revision, m.taken);
    if (std::ranges::none_of(stored, is_there)) return;
  }
}

}  // namespace etcdrill::crosscheck
