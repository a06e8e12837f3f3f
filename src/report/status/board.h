// The newest rows for people, kept between the tasks that learn them and the requests that ask for
// them.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "report/status/facts.h"

namespace etcdrill::report {

// Safe for use from any thread.
class StatusBoard {
 public:
  void SetHistory(History history);
  void StoreIsUnreadable(std::string problem);  // until the next SetHistory
  void SetHealth(Health health);

  std::string store_problem() const;
  // Fills what the board knows.
  void AddTo(StatusFacts& facts) const;

 private:
  mutable std::mutex mutex_;
  History history_;
  std::string store_problem_ = "the store has not been read yet";
  std::optional<Health> health_;
};

}  // namespace etcdrill::report
