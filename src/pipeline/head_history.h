// When the source was seen at which revision. A file of others has a time of change, and `touch` or
// `cp` makes an old one young; but its data is no younger than the moment at which the source was
// seen beyond its revision. Times are of the monotonic clock: a wall clock that was wrong when
// something was seen makes nothing old.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"
#include "etcd/roll_call.h"

namespace etcdrill::pipeline {

// Not thread-safe. Small: at most two entries a minute, for a day.
class HeadHistory {
 public:
  // What a round of probes that ended at `now` found. Of several members the middle one counts (of
  // two the lower): one that lags, or runs ahead of the others, says nothing of the source. All is
  // forgotten if the source went back or is another cluster. Nothing happens if nobody answered.
  void Saw(MonotonicTime now, const etcd::RollCall& roll);
  // The earliest time known at which the source was beyond `revision`; none if it was never seen
  // there. May be late by a minute, and is never before a day ago for what was passed earlier.
  std::optional<MonotonicTime> PassedBy(int64_t revision) const;

 private:
  struct Sight {
    MonotonicTime when;
    int64_t revision;
  };
  uint64_t cluster_id_ = 0;
  std::deque<Sight> sights_;  // both grow
};

}  // namespace etcdrill::pipeline
