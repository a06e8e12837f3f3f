// Copies in and out under one lock.
#include "report/status/board.h"

#include <utility>

namespace etcdrill::report {

void StatusBoard::SetHistory(History history) {
  const std::lock_guard lock(mutex_);
  history_ = std::move(history);
  store_problem_.clear();
}

void StatusBoard::StoreIsUnreadable(std::string problem) {
  const std::lock_guard lock(mutex_);
  store_problem_ = std::move(problem);
}

void StatusBoard::SetHealth(Health health) {
  const std::lock_guard lock(mutex_);
  health_ = std::move(health);
}

std::string StatusBoard::store_problem() const {
  const std::lock_guard lock(mutex_);
  return store_problem_;
}

void StatusBoard::AddTo(StatusFacts& facts) const {
  const std::lock_guard lock(mutex_);
  facts.history = history_;
  facts.store_problem = store_problem_;
  facts.health = health_;
}

}  // namespace etcdrill::report
