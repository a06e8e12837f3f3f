#include "drill/etcd_cluster.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

namespace etcdrill::drill {

using namespace std::chrono_literals;

// A cluster in the middle of a downgrade turns new members away until its leader has ended that,
// which it looks at each five seconds (etcd#14540).
constexpr Duration kJoinLimit = 2min;
constexpr Duration kJoinPause = 11s;

std::vector<ScratchMember> MakeMembers(size_t count, const std::string& work_dir) {
  std::vector<ScratchMember> members;
  for (size_t i = 1; i <= count; ++i) {
    const std::string name = fmt::format("m{}", i);
    members.push_back({name, JoinPath(work_dir, name)});
  }
  return members;
}

Result<std::unique_ptr<EtcdCluster>> EtcdCluster::Start(const Context& context,
                                                        const ClusterOptions& options,
                                                        const std::vector<ScratchMember>& members) {
  auto cluster = std::unique_ptr<EtcdCluster>(new EtcdCluster(context, options, members));
  for (const ScratchMember& member : members)
    RETURN_IF_ERROR(cluster->StartMember(member, /*joins=*/false));
  return cluster;
}

Status EtcdCluster::StartMember(const ScratchMember& member, bool joins) {
  ASSIGN_OR_RETURN(processes_.emplace_back(),
                   EtcdProcess::Start(context_, {.binary = options_.binary.path,
                                                 .no_fsync = options_.binary.CanSkipFsync(),
                                                 .work_dir = options_.work_dir,
                                                 .member = member,
                                                 .initial_cluster = InitialCluster(members_),
                                                 .joins = joins,
                                                 .memory_limit = options_.memory_limit,
                                                 .call_timeout = options_.call_timeout}));
  return OkStatus();
}

Status EtcdCluster::WaitReady() {
  for (const auto& process : processes_) RETURN_IF_ERROR(process->WaitReady());
  return OkStatus();
}

Status EtcdCluster::Grow() {
  const ScratchMember member = MakeMembers(members_.size() + 1, options_.work_dir).back();
  members_.push_back(member);
  const MonotonicTime last_try = context_.clock.Monotonic() + kJoinLimit;
  while (true) {
    ASSIGN_OR_RETURN(const uint64_t id, client().AddMember(member.PeerUrl()));
    RETURN_IF_ERROR(StartMember(member, /*joins=*/true));
    Status ready = processes_.back()->WaitReady();
    const bool turned_away = Is(ready, Reason::kEtcdExited);
    if (!turned_away || context_.clock.Monotonic() >= last_try) return ready;
    // One that is listed, but does not run, keeps the leader from ending the downgrade.
    processes_.pop_back();
    RETURN_IF_ERROR(client().RemoveMember(id));
    RETURN_IF_ERROR(context_.fs.RemoveAll(member.data_dir));
    // Whoever interrupts wants to know what was waited for.
    if (!context_.clock.SleepFor(kJoinPause, context_.stop))
      return Error(Reason::kInterrupted, MessageOf(ready));
  }
}

void EtcdCluster::Stop() {
  // At once: one after the other, each would look for a new leader first.
  std::vector<std::future<void>> stopping;
  for (const auto& process : processes_) {
    stopping.push_back(std::async(std::launch::async, [&process] { process->Stop(); }));
  }
}

std::vector<const etcd::ScratchClient*> EtcdCluster::clients() const {
  std::vector<const etcd::ScratchClient*> clients;
  for (const auto& process : processes_) clients.push_back(&process->client());
  return clients;
}

}  // namespace etcdrill::drill
