// Flags for a member that is alone, reaches nobody and leaves nothing to chance. No quota: a large
// database must not drill into a NOSPACE alarm of our own making.
#include "drill/etcd_process.h"

#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>

#include <cerrno>
#include <chrono>

#include "drill/etcd_binary.h"

namespace etcdrill::drill {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPollEvery = 20ms;
constexpr Duration kStopGrace = 500ms;  // what it holds is thrown away
constexpr size_t kSocketPathMax = 107;  // sun_path without its terminating zero

Result<std::string> AbsolutePath(const std::string& path) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved) == nullptr) return ErrorFromErrno(errno, "resolve", path);
  return std::string(resolved);
}

std::string ClientSocket(const ScratchMember& member) { return member.name + ".client:0"; }

std::vector<std::string> Arguments(const EtcdOptions& options, const std::string& data_path) {
  const std::string client_url = fmt::format("unix://{}", ClientSocket(options.member));
  const std::string peer_url = options.member.PeerUrl();
  std::vector<std::string> arguments = {
      "--name", options.member.name, "--data-dir", data_path, "--listen-client-urls", client_url,
      "--advertise-client-urls", client_url, "--listen-peer-urls", peer_url,
      "--initial-advertise-peer-urls", peer_url, "--initial-cluster", options.initial_cluster,
      "--initial-cluster-state", options.joins ? "existing" : "new", "--quota-backend-bytes=-1",
      // Else a cluster refuses new members until all have been connected for five seconds.
      "--strict-reconfig-check=false"};
  if (options.no_fsync) arguments.emplace_back("--unsafe-no-fsync");
  return arguments;
}

// Go collects garbage the harder, the nearer it comes to its limit; the kernel's limit is for what
// that can't keep down.
std::vector<std::string> Environment(const std::optional<uint64_t>& memory_limit) {
  std::vector<std::string> environment = EtcdEnvironment();
  environment.emplace_back("PATH=/usr/bin:/bin");
  if (memory_limit.has_value())
    environment.push_back(fmt::format("GOMEMLIMIT={}", *memory_limit / 10 * 9));
  return environment;
}

}  // namespace

std::string ScratchMember::PeerUrl() const { return fmt::format("unix://{}.peer:0", name); }

std::string InitialCluster(const std::vector<ScratchMember>& members) {
  std::string text;
  for (const ScratchMember& m : members)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", m.name, m.PeerUrl());
  return text;
}

Result<std::unique_ptr<EtcdProcess>> EtcdProcess::Start(const Context& context,
                                                        const EtcdOptions& options) {
  ASSIGN_OR_RETURN(const std::string program, AbsolutePath(options.binary));
  ASSIGN_OR_RETURN(const std::string work_path, AbsolutePath(options.work_dir));
  const std::string socket = JoinPath(work_path, ClientSocket(options.member));
  if (socket.size() > kSocketPathMax) {
    return Error(Reason::kConfig,
                 "scratch directory {}: the path is too long for a unix socket by {} bytes. Set a "
                 "shorter drill.scratch_dir",
                 work_path, socket.size() - kSocketPathMax);
  }
  // The last part is not there yet for a member that joins.
  ASSIGN_OR_RETURN(const std::string data_parent, AbsolutePath(DirName(options.member.data_dir)));
  const std::string data_path = JoinPath(data_parent, BaseName(options.member.data_dir));
  ASSIGN_OR_RETURN(auto process,
                   context.processes.Start({.program = program,
                                            .arguments = Arguments(options, data_path),
                                            .environment = Environment(options.memory_limit),
                                            .working_dir = work_path,
                                            .low_priority = true,
                                            .memory_limit = options.memory_limit}));
  ASSIGN_OR_RETURN(auto client,
                   etcd::ScratchClient::Create(
                       {.socket_path = socket, .command_timeout = options.call_timeout}, context));
  return std::unique_ptr<EtcdProcess>(
      new EtcdProcess(context, std::move(process), std::move(client)));
}

Status EtcdProcess::WaitReady() {
  while (true) {
    if (const auto exit = process_->Poll()) {
      return Error(Reason::kEtcdExited, "etcd exited during its start with {}; last output: {}",
                   exit->Describe(), LastWords(OutputTail()));
    }
    // A read through raft: etcd answers it only when it leads and has applied its log.
    const auto answer = client_->endpoint().Range({.key = etcd::kHealthKey, .count_only = true});
    // Any answer of the store counts as ready, an error too: what it says of the data is for the
    // checks.
    if (answer.ok() || Is(answer, Reason::kEtcdError)) return OkStatus();
    if (!context_.clock.SleepFor(kPollEvery, context_.stop)) {
      return Error(Reason::kInterrupted, "interrupted while etcd started; last output: {}",
                   LastWords(OutputTail()));
    }
  }
}

void EtcdProcess::Stop() {
  client_.reset();  // etcd waits two seconds for connections that are still open
  process_->Stop(kStopGrace);
}

}  // namespace etcdrill::drill
