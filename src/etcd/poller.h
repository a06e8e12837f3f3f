// Attends to the connections while nobody waits for a call. gRPC looks at its sockets only while
// some thread waits in it: without this one, connections between two calls are never finished, a
// member's word that it stops is not heard, and a connection that is given up half made is leaked
// if the member greets it afterwards (gRPC 1.51, Subchannel::OnConnectingFinishedLocked;
// docs/adr/0019-connections.md).
#pragma once

#include <grpcpp/completion_queue.h>

#include <thread>

namespace etcdrill::etcd {

// From its making to its end, for all connections of the process.
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

}  // namespace etcdrill::etcd
