// Each change of the head is a sight, and the first is never thinned out.
#include "pipeline/head_history.h"

#include <algorithm>

namespace etcdrill::pipeline {
namespace {

constexpr int kShare = 100;

// Of the members that have a leader.
std::vector<int64_t> RevisionsOf(const etcd::RollCall& roll) {
  std::vector<int64_t> revisions;
  for (const etcd::RollEntry& entry : roll.entries) {
    const bool counts = entry.standing == etcd::Standing::kMember && entry.status->leader_id != 0;
    if (counts) revisions.push_back(entry.status->revision);
  }
  std::sort(revisions.begin(), revisions.end());
  return revisions;
}

}  // namespace

void HeadHistory::Saw(MonotonicTime now, const etcd::RollCall& roll, const ReadHead& read_head) {
  const std::vector<int64_t> revisions = RevisionsOf(roll);
  if (revisions.empty() || !roll.cluster_id.has_value()) return;
  const int64_t revision = revisions[(revisions.size() - 1) / 2];
  if (*roll.cluster_id != cluster_id_) {
    sights_.clear();
  } else if (!sights_.empty() && revision < sights_.back().revision) {
    const Result<int64_t> head = read_head();
    if (!head.ok() || *head >= sights_.back().revision) return;
    sights_.clear();
  }
  cluster_id_ = *roll.cluster_id;
  if (!sights_.empty() && revision == sights_.back().revision) {
    Sight& last = sights_.back();
    last.until = now;
    last.greatest = std::max(last.greatest, revisions.back());
    return;
  }
  sights_.push_back({now, now, revision, revisions.back()});
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

std::optional<MonotonicTime> HeadHistory::LastBelow(int64_t revision) const {
  const auto below =
      std::find_if(sights_.rbegin(), sights_.rend(), [&](const Sight& sight) { return sight.greatest < revision; });
  return below == sights_.rend() ? std::nullopt : std::optional(below->until);
}

}  // namespace etcdrill::pipeline
