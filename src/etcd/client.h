// The way into a cluster: one Endpoint for each configured address, sharing credentials, token and call counts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "etcd/call_counts.h"
#include "etcd/endpoint.h"
#include "io/context.h"

namespace etcdrill::etcd {

struct ConnectionOptions {
  std::vector<std::string> endpoints;  // "https://host:port", "http://host:port", "host:port", "unix:///path", IPv6 in []
  std::string ca_file;                 // empty: the system's authorities
  std::string cert_file;               // with key_file: a client certificate
  std::string key_file;
  std::string server_name;           // expected in the server's certificate, instead of the host
  bool insecure_skip_verify = false;
  std::string username;              // empty: no password authentication
  std::string password;              // or password_file, read again at each login
  std::string password_file;
  Duration dial_timeout = std::chrono::seconds(2);
  Duration command_timeout = std::chrono::seconds(5);
  Duration no_progress_timeout = std::chrono::seconds(60);  // of the snapshot stream
};

// Safe for use from any thread. `context` must outlive it.
class Client {
 public:
  // Checks the options and reads the certificate files (kTls, kUsage); connects lazily.
  static Result<std::unique_ptr<Client>> Create(const ConnectionOptions& options, const Context& context);
  ~Client();

  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  const CallCounts& counts() const { return *counts_; }

  // Calls `call(endpoint)` on one endpoint after the other until one answers; returns that answer, or the last error
  // annotated with its endpoint. An error that another endpoint can't cure (wrong password, ...) ends it at once. Starts
  // with the endpoint that answered last.
  template <typename Call>
  auto Any(Call&& call) -> decltype(call(std::declval<const Endpoint&>()));

 private:
  Client();
  std::vector<Endpoint> endpoints_;
  std::shared_ptr<CallCounts> counts_;
  std::atomic<size_t> preferred_ = 0;
};

}  // namespace etcdrill::etcd
