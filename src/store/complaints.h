// Problems that last are told when they come, not at each look.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/log.h"

namespace etcdrill::store {

// Safe for use from any thread.
class Complaints {
 public:
  // `now`: all that a look found. A warning for each that the look before did not find.
  void Tell(Logger& log, std::string_view what, std::set<std::string> now) {
    const std::lock_guard lock(mutex_);
    for (const std::string& problem : now) {
      if (!told_.contains(problem)) log.Warn(what, {{"err", problem}});
    }
    told_ = std::move(now);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> told_;  // guarded by mutex_
};

}  // namespace etcdrill::store
