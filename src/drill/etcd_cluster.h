// The etcd of a drill: one member, or several that form a cluster. All listen on unix sockets in
// one directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drill/etcd_binary.h"
#include "drill/etcd_process.h"

namespace etcdrill::drill {

struct ClusterOptions {
  EtcdBinary binary;
  std::string work_dir;                  // exists, with mode 0700
  std::optional<uint64_t> memory_limit;  // of each member
  Duration call_timeout;                 // HashKV reads the whole database
};

// So many members, "m1" and so on, with data directories in `work_dir` that are not there yet.
std::vector<ScratchMember> MakeMembers(size_t count, const std::string& work_dir);

// Not thread-safe. `context` must outlive it.
class EtcdCluster {
 public:
  // The data directories of the members have been restored for InitialCluster(members).
  static Result<std::unique_ptr<EtcdCluster>> Start(const Context& context,
                                                    const ClusterOptions& options,
                                                    const std::vector<ScratchMember>& members);

  // Waits until every member serves a read that went through raft.
  Status WaitReady();
  // Adds one more member, which starts with nothing, and waits until it serves. One that ends is
  // removed and added again, for two minutes; a failure says nothing of the data.
  Status Grow();
  // clients() must not be used afterwards.
  void Stop();

  // In the order of members; those of the first are asked where one is enough.
  std::vector<const etcd::ScratchClient*> clients() const;
  const etcd::ScratchClient& client() const { return processes_.front()->client(); }

 private:
  EtcdCluster(const Context& context, const ClusterOptions& options,
              std::vector<ScratchMember> members)
      : context_(context), options_(options), members_(std::move(members)) {}

  Status StartMember(const ScratchMember& member, bool joins);

  const Context& context_;
  const ClusterOptions options_;
  std::vector<ScratchMember> members_;
  std::vector<std::unique_ptr<EtcdProcess>> processes_;
};

}  // namespace etcdrill::drill
