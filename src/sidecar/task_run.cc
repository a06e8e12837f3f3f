// Eight hex digits tell the runs of a day apart, and are short enough to read out.
#include "sidecar/task_run.h"

#include <fmt/format.h>

namespace etcdrill::sidecar {

TaskRun::TaskRun(const Context& parent)
    : log_(parent.log.With(
          {"run_id", fmt::format("{:08x}", static_cast<uint32_t>(parent.random.Next()))})),
      context_(parent.With(log_)) {}

}  // namespace etcdrill::sidecar
