// Work is done, and threads are joined, without the lock.
#include "sidecar/pool.h"

#include <utility>

namespace etcdrill::sidecar {

// By way of the other constructor, so that those that were made are joined if one can't be.
Pool::Pool(size_t threads) : Pool() {
  const std::lock_guard lock(mutex_);
  while (threads_.size() < threads) threads_.emplace_back([this] { Work(); });
}

Pool::~Pool() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  changed_.notify_all();
  std::vector<std::thread> threads = std::move(threads_);
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
}

void Pool::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(work));
  changed_.notify_one();
}

void Pool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds goes without the lock, too
    lock.lock();
  }
}

}  // namespace etcdrill::sidecar
