// Each change of the head is a sight, and the first is never thinned out.
#include "pipeline/head_history.h"

#include <algorithm>

namespace etcdrill::pipeline {
namespace {

constexpr int kShare = 100;

std::optional<int64_t> MiddleRevision(const etcd::RollCall& roll) {
  std::vector<int64_t> revisions;
  for (const etcd::RollEntry& entry : roll.entries) {
    const bool counts = entry.standing == etcd::Standing::kMember && entry.status->leader_id != 0;
    if (counts) revisions.push_back(entry.status->revision);
  }
  if (revisions.empty()) return std::nullopt;
  const auto middle = revisions.begin() + static_cast<std::ptrdiff_t>((revisions.size() - 1) / 2);
  std::nth_element(revisions.begin(), middle, revisions.end());
  return *middle;
}

}  // namespace

void HeadHistory::Saw(MonotonicTime now, const etcd::RollCall& roll, const ReadHead& read_head) {
  const std::optional<int64_t> revision = MiddleRevision(roll);
  if (!revision.has_value() || !roll.cluster_id.has_value()) return;
  if (*roll.cluster_id != cluster_id_) {
    sights_.clear();
  } else if (!sights_.empty() && *revision < sights_.back().revision) {
    const Result<int64_t> head = read_head();
    if (!head.ok() || *head >= sights_.back().revision) return;
    sights_.clear();
  }
  cluster_id_ = *roll.cluster_id;
  if (!sights_.empty() && *revision == sights_.back().revision) return;
  sights_.push_back({now, *revision});
  Thin(now);
}

// Without a sight, what it passed was passed at the next one.
void HeadHistory::Thin(MonotonicTime now) {
  for (size_t i = 1; i + 1 < sights_.size();) {
    const MonotonicTime next = sights_[i + 1].when;
    if (next - sights_[i - 1].when < (now - next) / kShare) {
      sights_.erase(sights_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

std::optional<int64_t> HeadHistory::Head() const {
  return sights_.empty() ? std::nullopt : std::optional(sights_.back().revision);
}

std::optional<MonotonicTime> HeadHistory::PassedBy(int64_t revision) const {
  const auto beyond =
      std::find_if(sights_.begin(), sights_.end(), [&](const Sight& sight) { return sight.revision > revision; });
  return beyond == sights_.end() ? std::nullopt : std::optional(beyond->when);
}

}  // namespace etcdrill::pipeline
