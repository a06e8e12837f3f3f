// A real etcd on restored data. It listens on unix sockets in its working directory only, so no
// other process on the network can reach the data, and it can reach no other member
// (docs/dev/formats.md §6.7).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "etcd/scratch_client.h"
#include "io/context.h"

namespace etcdrill::drill {

// One member of a scratch cluster. Its sockets lie in the working directory, named after it.
struct ScratchMember {
  std::string name;
  std::string data_dir;

  std::string PeerUrl() const;  // the data directory must have been restored with it
};

// "a=unix://a.peer:0,b=unix://b.peer:0", for --initial-cluster.
std::string InitialCluster(const std::vector<ScratchMember>& members);

struct EtcdOptions {
  std::string binary;
  bool no_fsync = false;  // no power loss to survive; the binary must know --unsafe-no-fsync
  std::string work_dir;   // exists, with mode 0700; the sockets appear in it
  ScratchMember member;
  std::string initial_cluster;
  bool joins = false;  // a cluster that runs, as a new member; else a restored one
  std::optional<uint64_t> memory_limit;
  Duration call_timeout;
};

// Not thread-safe. `context` must outlive it.
class EtcdProcess {
 public:
  static Result<std::unique_ptr<EtcdProcess>> Start(const Context& context,
                                                    const EtcdOptions& options);

  // Waits until etcd serves a read that went through raft. kEtcdExited, or kInterrupted by the
  // context's stop, with the end of its log.
  Status WaitReady();
  // TERM, then KILL. client() must not be used afterwards.
  void Stop();

  const etcd::ScratchClient& client() const { return *client_; }
  std::string OutputTail() const { return process_->OutputTail(); }

 private:
  EtcdProcess(const Context& context, std::unique_ptr<Process> process,
              std::unique_ptr<etcd::ScratchClient> client)
      : context_(context), process_(std::move(process)), client_(std::move(client)) {}

  const Context& context_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<etcd::ScratchClient> client_;
};

}  // namespace etcdrill::drill
