// See client.h.
#include "etcd/client.h"

#include <fmt/format.h>

#include "etcd/auth.h"
#include "etcd/channel.h"

namespace etcdrill::etcd {

Client::Client(std::vector<Endpoint> endpoints, std::shared_ptr<CallCounts> counts)
    : endpoints_(std::move(endpoints)), counts_(std::move(counts)) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Create(const ConnectionOptions& options, const Context& context,
                                               std::shared_ptr<CallCounts> counts) {
  if (options.endpoints.empty())
    return Error(Reason::kUsage, "no etcd endpoint is named; give --endpoints, ETCDCTL_ENDPOINTS or cluster.endpoints");
  ASSIGN_OR_RETURN(const auto tls_files, WatchedTlsFiles::Open(options, context));
  ASSIGN_OR_RETURN(const auto login, Login::Create(options, context));
  const Shared shared = {login, counts, tls_files};
  std::vector<Endpoint> endpoints;
  for (const std::string& endpoint : options.endpoints) {
    ASSIGN_OR_RETURN(std::shared_ptr<Channel> channel, Channel::Create(options, endpoint, shared, context));
    endpoints.emplace_back(std::move(channel));
  }
  return std::unique_ptr<Client>(new Client(std::move(endpoints), std::move(counts)));
}

bool Client::AnotherMayAnswer(const Status& status) {
  switch (ReasonOf(status)) {
    case Reason::kConnect:
    case Reason::kTls:  // each member has a certificate of its own
    case Reason::kTimeout:
    case Reason::kEtcdError:
    case Reason::kStreamCut:
    case Reason::kStreamShort:
    case Reason::kStreamStalled:
    case Reason::kTrailerMismatch:
      return true;
    default:
      return false;
  }
}

Status Client::NoneAnswered(const Status& last) const {
  if (endpoints_.size() == 1) return last;
  return Annotate(last, fmt::format("none of {} endpoints answered; the last one", endpoints_.size()));
}

}  // namespace etcdrill::etcd
