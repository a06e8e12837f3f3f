// A real etcd cluster of one to three members on this machine, in the private directory of a test.
// What goes wrong with it fails the test at once, with etcd's own words.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "etcd/client.h"
#include "support/test_context.h"

namespace etcdrill::testing {

struct ClusterOptions {
  std::string version = "3.5";  // a directory of ETCDRILL_ETCD_DIR
  int members = 1;
  bool tls = false;  // https with client certificates, made by tests/support/make-certs
  std::string server_certificate = "server";
  std::vector<std::string> arguments;  // more for etcd's command line
};

// Not thread-safe; to be used on the test's main thread, which etcd does not outlive. `test` must
// outlive it.
class EtcdCluster {
 public:
  // Fails the test if 3.4 or 3.5 is not there, skips it for later versions. Returns when all
  // members are healthy.
  EtcdCluster(TestContext& test, ClusterOptions options);

  std::vector<std::string> endpoints() const;            // with the scheme
  etcd::ConnectionOptions connection() const;            // endpoints and certificates
  std::string certificate(std::string_view name) const;  // a file of make-certs: "ca.crt"
  std::unique_ptr<etcd::Client> Connect() const;         // with connection()

  void Start(size_t member);
  void WaitUntilHealthy() const;
  void Stop(size_t member, Duration grace = std::chrono::seconds(5));  // 0: SIGKILL
  void Pause(size_t member) const;  // SIGSTOP; it has stopped on return
  void Resume(size_t member) const;

  // The output of the version's etcdctl, asked of the first member; fails the test if it fails.
  std::string Etcdctl(const std::vector<std::string>& arguments) const;
  void EtcdctlFails(const std::vector<std::string>& arguments) const;
  // Puts about as many bytes, in values of 1 MiB; without TLS only.
  void Fill(size_t bytes) const;
  // Adds root and the user "app", who may read and write keys but is not root; switches auth on.
  // The passwords are kRootPassword and kAppPassword.
  void EnableAuth() const;

  static constexpr char kRootPassword[] = "root-canary-pw";
  static constexpr char kAppPassword[] = "app-canary-pw";

 private:
  struct MemberProcess {
    std::string client_url;
    std::string peer_url;
    std::unique_ptr<Process> process;
  };

  std::string InitialCluster() const;
  ProcessOptions EtcdctlCommand(std::vector<std::string> arguments) const;

  TestContext& test_;
  const ClusterOptions options_;
  const std::string binaries_;
  const std::string dir_;
  std::vector<MemberProcess> members_;
};

// A TCP port of 127.0.0.1 that nobody listens on now.
int FreePort();

// Makes certificates in `dir` with make-certs.
void MakeCertificates(TestContext& test, const std::string& dir);

}  // namespace etcdrill::testing
