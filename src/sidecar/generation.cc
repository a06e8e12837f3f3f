// The scratch directory is swept here, as the next drill may be a day away.
#include "sidecar/generation.h"

#include "io/scratch_dir.h"

namespace etcdrill::sidecar {

Result<std::shared_ptr<Generation>> Generation::Create(const Context& context,
                                                       const Settings& settings,
                                                       std::shared_ptr<etcd::CallCounts> counts) {
  const std::string& scratch = settings.config.drill.scratch_dir;
  RETURN_IF_ERROR(context.fs.MakeDirs(scratch, kPrivateDirMode));
  ScratchDir::Sweep(context, scratch);
  ASSIGN_OR_RETURN(auto client,
                   etcd::Client::Create(settings.connection, context, std::move(counts)));
  return std::shared_ptr<Generation>(new Generation(context, settings, std::move(client)));
}

std::vector<std::string> Generation::Endpoints() const {
  std::vector<std::string> addresses;
  for (const etcd::Endpoint& endpoint : client_->endpoints()) {
    addresses.push_back(endpoint.address());
  }
  return addresses;
}

}  // namespace etcdrill::sidecar
