// See time_limit.h.
#include "io/time_limit.h"

namespace etcdrill {

TimeLimit::TimeLimit(const Context& outer, Duration limit)
    : deadline_(outer.clock.Monotonic() + limit),
      inner_(outer.With(stop_.get_token())),
      forward_(outer.stop, [this] { stop_.request_stop(); }),
      timer_([this, &clock = outer.clock](const std::stop_token& ended) {
        if (!clock.SleepUntil(deadline_, ended) || inner_.stop.stop_requested()) return;
        over_ = true;
        stop_.request_stop();
      }) {}

}  // namespace etcdrill
