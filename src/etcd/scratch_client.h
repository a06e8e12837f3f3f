// The one client that writes, and it can reach nothing but a unix socket: the drill's own etcd,
// which listens on one in its scratch directory. The source is only ever talked to through
// Endpoint, which has no call that writes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "etcd/endpoint.h"
#include "etcd/types.h"
#include "io/context.h"

namespace etcdrill::etcd {

struct ScratchOptions {
  std::string socket_path;  // absolute; "/scratch/client.sock:0" for --listen-client-urls
                            // unix://client.sock:0
  Duration command_timeout = std::chrono::seconds(5);
};

// Safe for use from any thread. `context` must outlive it.
class ScratchClient {
 public:
  // Connects lazily; a call before that etcd listens fails at once with kConnect.
  static Result<std::unique_ptr<ScratchClient>> Create(const ScratchOptions& options,
                                                       const Context& context);

  const Endpoint& endpoint() const { return endpoint_; }

  Status Put(std::string_view key, std::string_view value) const;
  Result<int64_t> Delete(std::string_view key) const;  // how many keys went
  Status DisarmAlarm(const Alarm& alarm) const;
  Result<uint64_t> AddMember(std::string_view peer_url) const;  // its id
  Status RemoveMember(uint64_t id) const;

 private:
  explicit ScratchClient(std::shared_ptr<Channel> channel)
      : channel_(channel), endpoint_(std::move(channel)) {}

  const std::shared_ptr<Channel> channel_;
  const Endpoint endpoint_;
};

}  // namespace etcdrill::etcd
