// A real etcd on restored data. It listens on unix sockets in its working directory only, so no other process on the
// network can reach the data, and it can reach no other member (formats.md 6; DESIGN.md section 9).
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "etcd/scratch_client.h"
#include "io/context.h"

namespace etcdrill::drill {

// The peer URL that the data directory must have been restored with.
inline constexpr std::string_view kPeerUrl = "unix://peer.sock:0";
inline constexpr std::string_view kMemberName = "drill";

// Not thread-safe. `context` must outlive it.
class EtcdProcess {
 public:
  // Starts `binary` on `data_dir`; the sockets appear in `work_dir`, which exists and has mode 0700.
  static Result<std::unique_ptr<EtcdProcess>> Start(const Context& context, const std::string& binary,
                                                    const std::string& data_dir, const std::string& work_dir);

  // Waits until etcd serves a read that went through raft. kEtcdExited or kEtcdNotReady, with the end of its log.
  Status WaitReady(MonotonicTime deadline);
  // TERM, then KILL. client() must not be used afterwards.
  void Stop();

  const etcd::ScratchClient& client() const { return *client_; }
  std::string OutputTail() const { return process_->OutputTail(); }

 private:
  EtcdProcess(const Context& context, std::unique_ptr<Process> process, std::unique_ptr<etcd::ScratchClient> client)
      : context_(context), process_(std::move(process)), client_(std::move(client)) {}

  const Context& context_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<etcd::ScratchClient> client_;
};

}  // namespace etcdrill::drill
