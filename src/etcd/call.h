// What every call has in common: a deadline on the monotonic clock, and an early end when the
// process is asked to stop.
#pragma once

#include <grpcpp/client_context.h>

#include <stop_token>

#include "base/clock.h"

namespace etcdrill::etcd {

inline gpr_timespec DeadlineAfter(Duration d) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(d.count(), GPR_TIMESPAN));
}

// Cancels the call of `context`, on any thread, as soon as a stop is requested. Lives as long as
// the call.
class CancelOnStop {
 public:
  CancelOnStop(grpc::ClientContext& context, const std::stop_token& stop)
      : callback_(stop, Canceller{&context}) {}

 private:
  struct Canceller {
    grpc::ClientContext* context;
    void operator()() const { context->TryCancel(); }
  };
  std::stop_callback<Canceller> callback_;
};

}  // namespace etcdrill::etcd
