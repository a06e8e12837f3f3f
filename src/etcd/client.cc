#include "etcd/client.h"

#include "etcd/channel.h"

namespace etcdrill::etcd {
namespace {

// How much an error says of what is to be mended.
int Weight(Reason reason) {
  switch (reason) {
    case Reason::kConnect:
      return 0;
    case Reason::kTimeout:
      return 1;
    case Reason::kAuth:
    case Reason::kPermission:
      return 3;
    case Reason::kInterrupted:
      return 4;
    default:
      return 2;
  }
}

}  // namespace

Client::Client(std::vector<Endpoint> endpoints, std::shared_ptr<CallCounts> counts)
    : endpoints_(std::move(endpoints)), counts_(std::move(counts)) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Create(const ConnectionOptions& options,
                                               const Context& context,
                                               std::shared_ptr<CallCounts> counts) {
  if (options.endpoints.empty())
    return Error(
        Reason::kUsage,
        "no etcd endpoint configured. Set --endpoints, ETCDCTL_ENDPOINTS or cluster.endpoints");
  ASSIGN_OR_RETURN(const auto tls_files, WatchTlsFiles(options, context));
  const Shared shared = {counts, tls_files};
  std::vector<Endpoint> endpoints;
  for (const std::string& endpoint : options.endpoints) {
    ASSIGN_OR_RETURN(std::shared_ptr<Channel> channel,
                     Channel::Create(options, endpoint, shared, context));
    endpoints.emplace_back(std::move(channel));
  }
  return std::unique_ptr<Client>(new Client(std::move(endpoints), std::move(counts)));
}

bool Client::AnotherMayAnswer(const Status& status) {
  const Reason reason = ReasonOf(status);
  return reason == Reason::kAuth || reason == Reason::kPermission || MayPass(status);
}

bool Client::MayPass(const Status& status) {
  switch (ReasonOf(status)) {
    case Reason::kConnect:
    case Reason::kTls:  // each member has a certificate of its own
    case Reason::kTimeout:
    case Reason::kEtcdError:
    case Reason::kStreamCut:
    case Reason::kStreamShort:
    case Reason::kStreamStalled:
    case Reason::kStreamTooLarge:
    case Reason::kTrailerMismatch:
      return true;
    default:
      return false;
  }
}

const Status& Client::MoreTelling(const Status& a, const Status& b) {
  return a.ok() || Weight(ReasonOf(b)) > Weight(ReasonOf(a)) ? b : a;
}

Status Client::NoneAnswered(const Status& telling, size_t endpoints) {
  if (endpoints == 1) return telling;
  return Annotate(telling, "none of {} endpoints answered as needed; one of them", endpoints);
}

}  // namespace etcdrill::etcd
