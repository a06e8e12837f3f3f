// Each change of the head is a sight, and the first is never thinned out.
#include "crosscheck/head_history.h"

#include <algorithm>

namespace etcdrill::crosscheck {
namespace {

constexpr int kShare = 100;

// Of the members that have a leader.
struct Round {
  std::vector<int64_t> revisions;  // sorted
  bool has_leader = false;
};

Round RoundOf(const etcd::RollCall& roll) {
  Round round;
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.standing != etcd::Standing::kMember || entry.status->leader_id == 0) continue;
    round.revisions.push_back(entry.status->revision);
    round.has_leader |= entry.status->is_leader();
  }
  std::ranges::sort(round.revisions);
  return round;
}

}  // namespace

void HeadHistory::Saw(MonotonicTime now, const etcd::RollCall& roll, const ReadHead& read_head) {
  const Round round = RoundOf(roll);
  if (round.revisions.empty() || !roll.cluster_id.has_value()) return;
  const int64_t revision = round.revisions[(round.revisions.size() - 1) / 2];
  const bool same_cluster = *roll.cluster_id == cluster_id_;
  const bool below = same_cluster && !sights_.empty() && revision < sights_.back().revision;
  std::optional<int64_t> bound;
  if (round.has_leader) bound = round.revisions.back();
  if (below || !round.has_leader) {
    const Result<int64_t> head = read_head();
    if (below && (!head.ok() || *head >= sights_.back().revision)) return;
    if (head.ok()) bound = std::max(*head, round.revisions.back());
  }
  if (!same_cluster || below) sights_.clear();
  cluster_id_ = *roll.cluster_id;
  if (sights_.empty() || revision != sights_.back().revision) {
    sights_.push_back({now, now, revision, bound});
    Thin(now);
  } else if (bound.has_value()) {
    Sight& last = sights_.back();
    last.until = now;
    last.bound = std::max(last.bound, bound);
  }
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
      std::ranges::find_if(sights_, [&](const Sight& sight) { return sight.revision > revision; });
  return beyond == sights_.end() ? std::nullopt : std::optional(beyond->when);
}

std::optional<MonotonicTime> HeadHistory::LastBelow(int64_t revision) const {
  const auto below = std::find_if(sights_.rbegin(), sights_.rend(), [&](const Sight& sight) {
    return sight.bound.has_value() && *sight.bound < revision;
  });
  return below == sights_.rend() ? std::nullopt : std::optional(below->until);
}

}  // namespace etcdrill::crosscheck
