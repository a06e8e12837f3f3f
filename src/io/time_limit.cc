// See time_limit.h.
#include "io/time_limit.h"

namespace etcdrill {

TimeLimit::TimeLimit(const Context& outer, Duration limit)
    : inner_{outer.fs, outer.clock, outer.random, outer.processes, outer.log, stop_.get_token()},
      forward_(outer.stop, [this] { stop_.request_stop(); }),
      timer_([this, &clock = outer.clock, limit](const std::stop_token& ended) {
        if (!clock.SleepFor(limit, ended) || inner_.stop.stop_requested()) return;
        over_ = true;
        stop_.request_stop();
      }) {}

}  // namespace etcdrill
