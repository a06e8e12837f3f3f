// The newest sight always stays, and so does the one before it if they are a step apart: so what is
// known of a source that is idle is exact, and of a busy one late by a step at most.
#include "pipeline/head_history.h"

#include <algorithm>
#include <vector>

namespace etcdrill::pipeline {
namespace {

constexpr Duration kStep = std::chrono::minutes(1);
constexpr Duration kKept = std::chrono::hours(24);

std::optional<int64_t> MiddleRevision(const etcd::RollCall& roll) {
  std::vector<int64_t> revisions;
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.standing == etcd::Standing::kMember) revisions.push_back(entry.status->revision);
  }
  if (revisions.empty()) return std::nullopt;
  const auto middle = revisions.begin() + static_cast<std::ptrdiff_t>((revisions.size() - 1) / 2);
  std::nth_element(revisions.begin(), middle, revisions.end());
  return *middle;
}

}  // namespace

void HeadHistory::Saw(MonotonicTime now, const etcd::RollCall& roll) {
  const std::optional<int64_t> revision = MiddleRevision(roll);
  if (!revision.has_value() || !roll.cluster_id.has_value()) return;
  const bool went_back = !sights_.empty() && *revision < sights_.back().revision;
  if (went_back || *roll.cluster_id != cluster_id_) sights_.clear();
  cluster_id_ = *roll.cluster_id;
  if (!sights_.empty() && *revision == sights_.back().revision) return;
  if (sights_.size() > 1 && now - sights_[sights_.size() - 2].when < kStep) sights_.pop_back();
  sights_.push_back({now, *revision});
  while (sights_.size() > 1 && now - sights_[1].when >= kKept) sights_.pop_front();
}

std::optional<MonotonicTime> HeadHistory::PassedBy(int64_t revision) const {
  const auto beyond =
      std::find_if(sights_.begin(), sights_.end(), [&](const Sight& sight) { return sight.revision > revision; });
  return beyond == sights_.end() ? std::nullopt : std::optional(beyond->when);
}

}  // namespace etcdrill::pipeline
