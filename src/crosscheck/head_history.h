// When the source was seen at which revision. A file of others has a time of change, and `touch` or
// `cp` makes an old one young; but its data is no younger than the moment at which the source was
// seen beyond its revision. Times are of the monotonic clock: a wall clock that was wrong when
// something was seen makes nothing old.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "etcd/roll_call.h"

namespace etcdrill::crosscheck {

// Not thread-safe. Small however long it runs: of what is long ago less is kept.
class HeadHistory {
 public:
  // The newest revision of the source, read through the whole cluster (live_head.h).
  using ReadHead = std::function<Result<int64_t>()>;
  // What a round of probes that ended at `now` found. Of several members the middle one counts (of
  // two the lower): one that lags, or runs ahead of the others, says nothing of the source, and
  // neither does one without a leader. `read_head` is asked where those that answer may all lag: if
  // the leader is not among them, or the source seems to have gone back. All is forgotten if it
  // did, or is another cluster. Nothing happens if nobody answered.
  void Saw(MonotonicTime now, const etcd::RollCall& roll, const ReadHead& read_head);
  // The earliest time known at which the source was seen beyond `revision`; none if it never was.
  // Late by less than a hundredth of what has passed since.
  std::optional<MonotonicTime> PassedBy(int64_t revision) const;
  // The latest time known at which nobody of the source was at `revision` yet; none if there is
  // none. It may have been later.
  std::optional<MonotonicTime> LastBelow(int64_t revision) const;
  // The revision that was seen last; none if nobody answered yet.
  std::optional<int64_t> Head() const;
  uint64_t cluster_id() const { return cluster_id_; }  // of the source; 0: nobody answered yet
  size_t size() const { return sights_.size(); }       // what is kept

 private:
  struct Sight {
    MonotonicTime when;
    MonotonicTime until;           // the last round that found the same
    int64_t revision;              // of the middle one
    std::optional<int64_t> bound;  // that the source was not beyond at `until`; none: nobody knows
  };
  void Thin(MonotonicTime now);

  uint64_t cluster_id_ = 0;
  std::vector<Sight> sights_;  // times and revisions grow
};

}  // namespace etcdrill::crosscheck
