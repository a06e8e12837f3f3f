// Peers and clients listen on loopback ports picked just before the start; short election times
// make restarts quick.
#include "support/etcd_cluster.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "base/check.h"
#include "etcd/health.h"
#include "proto/etcdserverpb.grpc.pb.h"
#include "support/catch.h"

namespace etcdrill::testing {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStartLimit = 30s;
constexpr Duration kCommandLimit = 20s;

std::string FindBinaries(const std::string& version) {
  std::string dir = std::string(ETCDRILL_ETCD_DIR) + "/" + version;
  if (access((dir + "/etcd").c_str(), X_OK) != 0) {
    if (version == "3.4" || version == "3.5")
      FAIL("etcd " << version << " is missing; run scripts/fetch-etcd");
    SKIP("etcd " << version << " not fetched");
  }
  return dir;
}

std::string NameOf(size_t member) { return fmt::format("m{}", member); }

// Runs a command to its end, which must be as good or bad as `succeeds` says; its output, or a
// failed test.
std::string Run(TestContext& test, const ProcessOptions& options, bool succeeds = true) {
  const auto process = test.context().processes.Start(options);
  REQUIRE(process.ok());
  const MonotonicTime deadline = test.clock().Monotonic() + kCommandLimit;
  while (!(*process)->Poll().has_value() && test.clock().Monotonic() < deadline)
    test.clock().SleepFor(2ms, {});
  const auto exit = (*process)->Poll();
  INFO(fmt::format("{} {:.1000}\n{}", options.program,
                   fmt::format("{}", fmt::join(options.arguments, " ")), (*process)->OutputTail()));
  REQUIRE(exit.has_value());
  REQUIRE((exit->exit_code == 0) == succeeds);
  return (*process)->OutputTail();
}

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

void MakeCertificates(TestContext& test, const std::string& dir) {
  Run(test, {std::string(ETCDRILL_SOURCE_DIR) + "/tests/support/make-certs",
             {dir},
             {"PATH=/usr/bin:/bin"},
             "/",
             false});
}

EtcdCluster::EtcdCluster(TestContext& test, ClusterOptions options)
    : test_(test),
      options_(std::move(options)),
      binaries_(FindBinaries(options_.version)),
      dir_(test.Path(fmt::format("etcd-{}", FreePort()))) {
  REQUIRE(test_.fs().MakeDirs(dir_, kPrivateDirMode).ok());
  if (options_.tls) MakeCertificates(test_, dir_ + "/certs");
  for (int i = 0; i < options_.members; ++i) {
    members_.push_back(
        {fmt::format("{}://127.0.0.1:{}", options_.tls ? "https" : "http", FreePort()),
         fmt::format("http://127.0.0.1:{}", FreePort()), nullptr});
  }
  for (size_t i = 0; i < members_.size(); ++i) Start(i);
  WaitUntilHealthy();
}

std::string EtcdCluster::InitialCluster() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < members_.size(); ++i)
    parts.push_back(NameOf(i) + "=" + members_[i].peer_url);
  return fmt::format("{}", fmt::join(parts, ","));
}

void EtcdCluster::Start(size_t member) {
  const MemberProcess& m = members_[member];
  std::vector<std::string> arguments = {"--name=" + NameOf(member),
                                        "--data-dir=" + NameOf(member) + ".etcd",
                                        "--initial-cluster=" + InitialCluster(),
                                        "--listen-client-urls=" + m.client_url,
                                        "--advertise-client-urls=" + m.client_url,
                                        "--listen-peer-urls=" + m.peer_url,
                                        "--initial-advertise-peer-urls=" + m.peer_url,
                                        "--heartbeat-interval=50",
                                        "--election-timeout=500"};
  if (options_.tls) {
    const std::string server = certificate(options_.server_certificate);
    for (const std::string& argument :
         {std::string("--client-cert-auth"), "--trusted-ca-file=" + certificate("ca.crt"),
          "--cert-file=" + server + ".crt", "--key-file=" + server + ".key"}) {
      arguments.push_back(argument);
    }
  }
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  auto process =
      test_.context().processes.Start({binaries_ + "/etcd", arguments, {"PATH=/bin"}, dir_, false});
  REQUIRE(process.ok());
  members_[member].process = *std::move(process);
}

void EtcdCluster::WaitUntilHealthy() const {
  const std::unique_ptr<etcd::Client> client = Connect();
  const MonotonicTime deadline = test_.clock().Monotonic() + kStartLimit;
  for (size_t i = 0; i < members_.size();) {
    const etcd::HealthProbe probe = etcd::ProbeHealth(client->endpoints()[i], test_.clock());
    if (probe.healthy) {
      ++i;
      continue;
    }
    INFO(probe.problem << "\n" << members_[i].process->OutputTail());
    REQUIRE(!members_[i].process->Poll().has_value());
    REQUIRE(test_.clock().Monotonic() < deadline);
    test_.clock().SleepFor(10ms, {});
  }
}

void EtcdCluster::Stop(size_t member, Duration grace) { members_[member].process->Stop(grace); }

void EtcdCluster::Pause(size_t member) const {
  const int pid = members_[member].process->pid();
  REQUIRE(kill(pid, SIGSTOP) == 0);
  siginfo_t info;
  REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED) ==
          0);  // all its threads take a moment
}

void EtcdCluster::Resume(size_t member) const {
  REQUIRE(kill(members_[member].process->pid(), SIGCONT) == 0);
}

std::vector<std::string> EtcdCluster::endpoints() const {
  std::vector<std::string> urls;
  for (const MemberProcess& member : members_) urls.push_back(member.client_url);
  return urls;
}

std::string EtcdCluster::certificate(std::string_view name) const {
  return JoinPath(dir_ + "/certs", name);
}

etcd::ConnectionOptions EtcdCluster::connection() const {
  etcd::ConnectionOptions options;
  options.endpoints = endpoints();
  if (options_.tls) {
    options.ca_file = certificate("ca.crt");
    options.cert_file = certificate("client.crt");
    options.key_file = certificate("client.key");
    if (options_.server_certificate == "named") options.server_name = "etcd.example";
  }
  return options;
}

std::unique_ptr<etcd::Client> EtcdCluster::Connect() const {
  auto client = etcd::Client::Create(connection(), test_.context());
  REQUIRE(client.ok());
  return *std::move(client);
}

std::string EtcdCluster::Etcdctl(const std::vector<std::string>& arguments) const {
  return Run(test_, EtcdctlCommand(arguments));
}

void EtcdCluster::EtcdctlFails(const std::vector<std::string>& arguments) const {
  Run(test_, EtcdctlCommand(arguments), false);
}

ProcessOptions EtcdCluster::EtcdctlCommand(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"--endpoints", members_[0].client_url});
  if (options_.tls) {
    arguments.insert(arguments.begin(),
                     {"--cacert", certificate("ca.crt"), "--cert", certificate("client.crt"),
                      "--key", certificate("client.key")});
  }
  return {
      binaries_ + "/etcdctl", std::move(arguments), {"ETCDCTL_API=3", "PATH=/bin"}, dir_, false};
}

void EtcdCluster::Fill(size_t bytes) const {
  constexpr size_t kValueBytes = 1 << 20;
  const auto channel = grpc::CreateChannel(members_[0].client_url.substr(sizeof("http://") - 1),
                                           grpc::InsecureChannelCredentials());
  etcdserverpb::KV::Stub stub(channel);
  etcdserverpb::PutRequest request;
  request.set_value(std::string(kValueBytes, 'v'));
  for (size_t put = 0; put < bytes; put += kValueBytes) {
    request.set_key(fmt::format("fill/{:08}", put));
    grpc::ClientContext context;
    etcdserverpb::PutResponse response;
    REQUIRE(stub.Put(&context, request, &response).ok());
  }
}

void EtcdCluster::EnableAuth() const {
  Etcdctl({"user", "add", std::string("root:") + kRootPassword});
  Etcdctl({"user", "grant-role", "root", "root"});
  Etcdctl({"user", "add", std::string("app:") + kAppPassword});
  Etcdctl({"role", "add", "app"});
  Etcdctl({"role", "grant-permission", "app", "readwrite", "--prefix=true", "app/"});
  Etcdctl({"user", "grant-role", "app", "app"});
  Etcdctl({"auth", "enable"});
}

}  // namespace etcdrill::testing
