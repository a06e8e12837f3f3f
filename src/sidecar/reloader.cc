// A generation is taken apart by the next reload after its last run ended, or at the end: on no
// thread that a run or a request waits for.
#include "sidecar/reloader.h"

#include "config/restart_keys.h"

namespace etcdrill::sidecar {

Result<std::unique_ptr<Reloader>> Reloader::Create(Permanent& permanent, LoadSettings load,
                                                   Settings first) {
  ASSIGN_OR_RETURN(auto generation, Generation::Create(permanent, std::move(first)));
  return std::unique_ptr<Reloader>(new Reloader(permanent, std::move(load), std::move(generation)));
}

std::shared_ptr<Generation> Reloader::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Status Reloader::Reload() {
  const std::lock_guard lock(reloading_);
  const Status done = TryReload();
  if (done.ok()) {
    permanent_.context.log.Info("configuration reloaded");
  } else {
    permanent_.metrics.ReloadFailed();
    permanent_.context.log.Error("configuration not reloaded", {{"err", MessageOf(done)}});
  }
  return done;
}

void Reloader::Finish() {
  const std::lock_guard lock(reloading_);
  // One that is also held by a run which a request began would outlive the gates that its schedules
  // use.
  for (const auto& old : retired_) old->Finish();
  Current()->Finish();
}

Status Reloader::TryReload() {
  const std::shared_ptr<Generation> before = Current();
  ASSIGN_OR_RETURN(Settings settings, load_());
  RETURN_IF_ERROR(config::CheckReloadable(before->config(), settings.config));
  ASSIGN_OR_RETURN(const auto next, Generation::Create(permanent_, std::move(settings)));
  before->Retire();
  std::erase_if(retired_, [](const auto& old) { return old->idle() && old.use_count() == 1; });
  retired_.push_back(before);
  {
    const std::lock_guard lock(mutex_);
    current_ = next;
  }
  next->Start();
  return OkStatus();
}

}  // namespace etcdrill::sidecar
