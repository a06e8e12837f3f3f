// The connection to one endpoint: how it is made, kept alive and made again, and the frame of every
// call over it.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "etcd/address.h"
#include "etcd/auth.h"
#include "etcd/client.h"
#include "etcd/tls_files.h"

namespace etcdrill::etcd {

// Attends to the connections while nobody waits for a call. gRPC looks at its sockets only while
// some thread waits in it: without this one, connections between two calls are never finished, a
// member's word that it stops is not heard, and a connection that is given up half made is leaked
// if the member greets it afterwards (gRPC 1.51, Subchannel::OnConnectingFinishedLocked;
// docs/dev/adr/0019-connections.md). From its making to its end, for all connections of the
// process.
class Poller {
 public:
  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { queue_.Shutdown(); }

 private:
  void Poll() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  grpc::CompletionQueue queue_;  // nothing is ever put into it
  std::jthread thread_{[this] { Poll(); }};
};

// What the connections of one client have in common.
struct Shared {
  std::shared_ptr<CallCounts> counts;
  std::shared_ptr<WatchedTlsFiles> tls_files;
  std::shared_ptr<Poller> poller = std::make_shared<Poller>();
};

// Safe for use from any thread. The context that this and what is shared have must outlive it.
class Channel {
 public:
  // Connects lazily: an unreachable endpoint is no error here. kUsage for an address that is none,
  // and the errors of Login::Create.
  static Result<std::shared_ptr<Channel>> Create(const ConnectionOptions& options,
                                                 const std::string& endpoint, const Shared& shared,
                                                 const Context& context);

  const Address& address() const { return address_; }
  const ConnectionOptions& options() const { return options_; }
  const Context& context() const { return context_; }
  CallCounts& counts() const { return *shared_.counts; }
  Login& login() const { return *login_; }

  // For one call; each call asks for it anew. gRPC makes it again by itself after it broke or could
  // not be made; one that nobody used for a while is replaced. The certificate files are used as
  // they are now. If they can't be (half of a pair is replaced, say) those that could be used last
  // are.
  std::shared_ptr<grpc::Channel> Connection();

  // One unary call, `attempt`, with deadline and token; with a second attempt if the token was
  // refused. `call` names it in errors; `more_time` is what it gets on top of command_timeout.
  using Attempt =
      std::function<grpc::Status(const std::shared_ptr<grpc::Channel>&, grpc::ClientContext&)>;
  Status Call(std::string_view call, const Attempt& attempt, Duration more_time);

 private:
  Channel(const ConnectionOptions& options, Address address, std::unique_ptr<Login> login,
          const Shared& shared, const Context& context);

  void Touch();  // the connection was used until now
  // After a call that got no answer in time.
  void ReplaceIfSilent(const std::shared_ptr<grpc::Channel>& connection);

  const ConnectionOptions options_;
  const Address address_;
  const std::unique_ptr<Login> login_;
  const Shared shared_;
  const Context& context_;
  std::mutex mutex_;
  std::shared_ptr<const TlsFiles> files_;  // those that connection_ was made with
  std::shared_ptr<grpc::Channel> connection_;
  MonotonicTime last_used_{};
};

// Calls `rpc`, a method of a generated stub, over `channel`.
template <typename Stub, typename Request, typename Response>
Result<Response> Unary(Channel& channel, std::string_view call,
                       grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
                       const Request& request, Duration more_time = {}) {
  Response response;
  const auto attempt = [&](const std::shared_ptr<grpc::Channel>& connection,
                           grpc::ClientContext& context) {
    Stub stub(connection);
    return (stub.*rpc)(&context, request, &response);
  };
  RETURN_IF_ERROR(channel.Call(call, attempt, more_time));
  return response;
}

}  // namespace etcdrill::etcd
