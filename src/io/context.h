// What every stage gets from outside: the seams. Built once in main (or by a test, with fakes) and
// passed by reference; there are no singletons.
#pragma once

#include <stop_token>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "io/file_system.h"
#include "io/subprocess.h"

namespace etcdrill {

struct Context {
  FileSystem& fs;
  Clock& clock;
  Random& random;
  ProcessStarter& processes;
  Logger& log;
  std::stop_token stop;  // requested by SIGINT or SIGTERM; every wait ends early then

  // kInterrupted if a stop was requested: for loops that take longer than a stop may.
  Status CheckStop() const {
    return stop.stop_requested() ? Error(Reason::kInterrupted, "interrupted") : OkStatus();
  }

  // The same seams with another log, which must outlive the copy, or another stop.
  Context With(Logger& other) const { return {fs, clock, random, processes, other, stop}; }
  Context With(std::stop_token other) const {
    return {fs, clock, random, processes, log, std::move(other)};
  }
};

}  // namespace etcdrill
