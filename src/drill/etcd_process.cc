// Flags for a member that is alone, reaches nobody and leaves nothing to chance. No quota: a large database must not
// drill into a NOSPACE alarm of our own making.
#include "drill/etcd_process.h"

#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>

#include "base/bytes.h"

namespace etcdrill::drill {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPollEvery = 20ms;
constexpr Duration kStopGrace = 3s;
constexpr Duration kCallLimit = 60s;  // HashKV reads the whole database
constexpr std::string_view kClientSocket = "client.sock:0";
constexpr size_t kSocketPathMax = 107;  // sun_path without its terminating zero
constexpr size_t kLogLinesInError = 3;

// The last lines of etcd's log, as one line for an error message.
std::string LastLines(std::string_view output) {
  size_t begin = output.size();
  for (size_t lines = 0; begin > 0; --begin) {
    if (output[begin - 1] == '\n' && begin < output.size() && ++lines == kLogLinesInError) break;
  }
  std::string text = Printable(output.substr(begin), output.size());
  for (size_t at = 0; (at = text.find("\\x0a", at)) != std::string::npos;)
    text.replace(at, 4, at + 4 < text.size() ? " | " : "");
  return text;
}

Result<std::string> AbsolutePath(const std::string& path) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved) == nullptr) return ErrorFromErrno(errno, "resolve", path);
  return std::string(resolved);
}

}  // namespace

Result<std::unique_ptr<EtcdProcess>> EtcdProcess::Start(const Context& context, const std::string& binary,
                                                        const std::string& data_dir, const std::string& work_dir) {
  ASSIGN_OR_RETURN(const std::string data_path, AbsolutePath(data_dir));
  ASSIGN_OR_RETURN(const std::string program, AbsolutePath(binary));
  ASSIGN_OR_RETURN(const std::string work_path, AbsolutePath(work_dir));
  const std::string socket = JoinPath(work_path, kClientSocket);
  if (socket.size() > kSocketPathMax) {
    return Error(Reason::kConfig,
                 fmt::format("scratch directory {}: its path is too long for a unix socket by {} bytes; "
                             "set a shorter drill.scratch_dir",
                             work_path, socket.size() - kSocketPathMax));
  }
  const std::string client_url = fmt::format("unix://{}", kClientSocket);
  const ProcessOptions options{
      .program = program,
      .arguments = {"--name", std::string(kMemberName), "--data-dir", data_path, "--listen-client-urls", client_url,
                    "--advertise-client-urls", client_url, "--listen-peer-urls", std::string(kPeerUrl),
                    "--initial-advertise-peer-urls", std::string(kPeerUrl), "--initial-cluster",
                    fmt::format("{}={}", kMemberName, kPeerUrl), "--quota-backend-bytes=-1"},
      .environment = {"PATH=/usr/bin:/bin", "GOTRACEBACK=none"},
      .working_dir = work_path,
      .low_priority = true};
  ASSIGN_OR_RETURN(auto process, context.processes.Start(options));
  ASSIGN_OR_RETURN(auto client,
                   etcd::ScratchClient::Create({.socket_path = socket, .command_timeout = kCallLimit}, context));
  return std::unique_ptr<EtcdProcess>(new EtcdProcess(context, std::move(process), std::move(client)));
}

Status EtcdProcess::WaitReady(MonotonicTime deadline) {
  while (true) {
    if (const auto exit = process_->Poll()) {
      return Error(Reason::kEtcdExited, fmt::format("etcd ended with {} while it booted; its last words: {}",
                                                    exit->Describe(), LastLines(OutputTail())));
    }
    // A read through raft: etcd answers it only when it leads and has applied its log.
    const auto answer = client_->endpoint().Range({.key = "health", .count_only = true});
    // Any answer of the store counts as ready, an error too: with the CORRUPT alarm raised every read is refused.
    if (answer.ok() || ReasonOf(answer.status()) == Reason::kEtcdError) return OkStatus();
    if (context_.clock.Monotonic() >= deadline) {
      return Error(Reason::kEtcdNotReady, fmt::format("etcd was not ready in time ({}); its last words: {}",
                                                      MessageOf(answer.status()), LastLines(OutputTail())));
    }
    if (!context_.clock.SleepFor(kPollEvery, context_.stop))
      return Error(Reason::kInterrupted, "interrupted while etcd booted");
  }
}

void EtcdProcess::Stop() {
  client_.reset();  // etcd waits two seconds for connections that are still open
  process_->Stop(kStopGrace);
}

}  // namespace etcdrill::drill
