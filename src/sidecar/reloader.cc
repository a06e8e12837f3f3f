// Whole or not at all.
#include "sidecar/reloader.h"

#include "config/load.h"

namespace etcdrill::sidecar {

Status Reloader::Reload() {
  const std::lock_guard reloading(reloading_);
  const Status done = TryReload();
  {
    const std::lock_guard lock(mutex_);
    last_.successful = done.ok();
    if (done.ok()) last_.succeeded = context_.clock.Now();
  }
  if (done.ok()) {
    context_.log.Info("configuration reloaded");
  } else {
    context_.log.Error("configuration not reloaded", {{"err", MessageOf(done)}});
  }
  return done;
}

Status Reloader::TryReload() {
  ASSIGN_OR_RETURN(const Settings settings, load_());
  RETURN_IF_ERROR(config::CheckReloadable(*cluster_.config(), settings.config));
  ASSIGN_OR_RETURN(auto next, cluster_.Prepare(settings));
  context_.log.SetLevel(settings.log_level);
  cluster_.PutInForce(std::move(next));
  return OkStatus();
}

Reloader::Last Reloader::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace etcdrill::sidecar
