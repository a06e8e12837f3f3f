// Reads in the background that leave the disk or the network to others: bytes at a rate, on
// average since it began.
#pragma once

#include <chrono>
#include <cstdint>

#include "io/context.h"

namespace etcdrill {

// For one thread; `context` must outlive it.
class Pace {
 public:
  Pace(const Context& context, uint64_t bytes_per_second)
      : context_(context), bytes_per_second_(static_cast<double>(bytes_per_second)) {}

  // Waits until so many more bytes may have been read; kInterrupted if a stop comes first.
  Status Keep(uint64_t bytes) {
    bytes_ += bytes;
    const std::chrono::duration<double> spent(static_cast<double>(bytes_) / bytes_per_second_);
    const MonotonicTime until = start_ + std::chrono::duration_cast<Duration>(spent);
    return context_.clock.SleepUntil(until, context_.stop) ? OkStatus() : context_.CheckStop();
  }

 private:
  const Context& context_;
  const double bytes_per_second_;
  const MonotonicTime start_ = context_.clock.Monotonic();
  uint64_t bytes_ = 0;
};

}  // namespace etcdrill
