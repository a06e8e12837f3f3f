// The gate is closed before the run is posted: what is asked for is refused at once, or is done.
// It opens when all that the run held is gone, its generation, too; from then on the task may go.
#include "sidecar/task.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "io/memory.h"

namespace etcdrill::sidecar {

bool Task::Start(Pool& pool, const Context& context, std::shared_ptr<const Generation> by,
                 Occasion why, std::function<void()> ended) {
  {
    const std::lock_guard lock(mutex_);
    if (runs_ || closed_) return false;
    runs_ = true;
  }
  pool.Post([this, &context, by = std::move(by), why, ended = std::move(ended)]() mutable {
    RunOnce(context, *by, why);
    by.reset();
    {
      const std::lock_guard lock(mutex_);
      runs_ = false;
      ended_.notify_all();
    }
    ended();  // without the lock, which whoever is told takes
  });
  return true;
}

bool Task::IsFree() const {
  const std::lock_guard lock(mutex_);
  return !runs_ && !closed_;
}

void Task::Close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  ended_.wait(lock, [this] { return !runs_; });
}

void Task::RunOnce(const Context& context, const Generation& by, Occasion why) {
  // Eight hex digits tell the runs of a day apart, and are short enough to read out.
  Logger log = context.log.With(
      {"run_id", fmt::format("{:08x}", static_cast<uint32_t>(context.random.Next()))});
  const bool is_told = name_.has_value() && why != Occasion::kLook;
  if (is_told) metrics_.RunBegan(*name_);
  Run(context.With(log), by, why);
  if (!is_told) return;
  ReturnFreedMemory();
  metrics_.RunEnded(*name_, UnixSeconds(context.clock.Now()));
}

}  // namespace etcdrill::sidecar
