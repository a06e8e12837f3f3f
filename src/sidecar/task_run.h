// One run of a task: all that is logged in it carries the same run_id.
#pragma once

#include "io/context.h"

namespace etcdrill::sidecar {

// `parent` must outlive it.
class TaskRun {
 public:
  explicit TaskRun(const Context& parent);
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  const Context& context() const { return context_; }

 private:
  Logger log_;
  const Context context_;
};

}  // namespace etcdrill::sidecar
