// The way into a cluster: one Endpoint for each configured address, sharing credentials and call
// counts. Which of them lead to which member, and to whose: roll_call.h.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "etcd/endpoint.h"
#include "io/context.h"

namespace etcdrill::etcd {

// How many calls went to etcd and how many of them failed, by method, for
// etcdrill_etcd_requests_total and etcdrill_etcd_request_failures_total.
enum class Method { kSnapshot, kStatus, kHashKv, kAlarm, kMemberList, kRange };
inline constexpr std::array<std::string_view, 6> kMethodNames = {"Snapshot", "Status",     "HashKV",
                                                                 "Alarm",    "MemberList", "Range"};

// Safe for use from any thread.
struct CallCounts {
  std::array<std::atomic<uint64_t>, kMethodNames.size()> requests{};
  std::array<std::atomic<uint64_t>, kMethodNames.size()> failures{};
};

struct ConnectionOptions {
  // "https://host:port", "http://host:port", "host:port" or "unix:///path"; an IPv6 address stands
  // in brackets.
  std::vector<std::string> endpoints;
  std::string ca_file;    // empty: the system's authorities
  std::string cert_file;  // with key_file: a client certificate
  std::string key_file;
  std::string server_name;            // expected in the server's certificate, instead of the host
  bool insecure_skip_verify = false;  // accept any server certificate
  std::string username;               // empty: no password authentication
  std::string password;  // or password_file: there at Create(), read again at each login
  std::string password_file;
  Duration dial_timeout = std::chrono::seconds(2);
  Duration reconnect_every = std::chrono::seconds(2);  // a lost member is tried at least so often
  Duration command_timeout = std::chrono::seconds(5);
  Duration no_progress_timeout = std::chrono::seconds(60);  // of the snapshot stream
};

// Safe for use from any thread. `context` must outlive it. A stop request ends every call at once;
// it must come from an ordinary thread, not from a signal handler.
class Client {
 public:
  // Checks the options and reads the certificate files (kTls, kUsage); connects lazily. Certificate
  // files that change later are used from the next call on. Calls are counted in `counts`, which
  // another client may have counted in before.
  static Result<std::unique_ptr<Client>> Create(
      const ConnectionOptions& options, const Context& context,
      std::shared_ptr<CallCounts> counts = std::make_shared<CallCounts>());
  ~Client();

  const std::vector<Endpoint>& endpoints() const [[clang::lifetimebound]] { return endpoints_; }
  const CallCounts& counts() const { return *counts_; }

  // Calls `call(endpoint)`, which returns a Result or a Status, on one endpoint after the other
  // until one answers; returns that answer, or the most telling error. An error that no endpoint
  // can cure ends it at once. Starts with the endpoint that answered last.
  template <typename Call>
  auto Any(Call&& call) -> decltype(call(std::declval<const Endpoint&>())) {
    const size_t start = preferred_.load();
    Status failed;
    for (size_t tried = 0;; ++tried) {
      const size_t index = (start + tried) % endpoints_.size();
      auto answer = call(endpoints_[index]);
      if (answer.ok()) {
        preferred_ = index;
        return answer;
      }
      if (!AnotherMayAnswer(StatusOf(answer))) return answer;
      failed = MoreTelling(failed, StatusOf(answer));
      if (tried + 1 == endpoints_.size()) return NoneAnswered(failed, endpoints_.size());
    }
  }

  // Whether an error may be that of one member only. A refusal may: one that was added anew or
  // upgraded can refuse a user whom all others know, until it is restarted (etcd#13134).
  static bool AnotherMayAnswer(const Status& status);
  // Whether the same may go well in a moment, without anybody mending anything.
  static bool MayPass(const Status& status);
  // Of two errors of two endpoints the one to show: a refusal says more than a host that does not
  // answer. `a` may be OK, where there is none yet; where they say as much, it is `a`.
  static const Status& MoreTelling(const Status& a [[clang::lifetimebound]],
                                   const Status& b [[clang::lifetimebound]]);
  // The error to show when each of so many endpoints failed, `telling` being the most telling one.
  static Status NoneAnswered(const Status& telling, size_t endpoints);

 private:
  Client(std::vector<Endpoint> endpoints, std::shared_ptr<CallCounts> counts);

  static const Status& StatusOf(const Status& status [[clang::lifetimebound]]) { return status; }
  template <typename T>
  static const Status& StatusOf(const Result<T>& result [[clang::lifetimebound]]) {
    return result.status();
  }

  const std::vector<Endpoint> endpoints_;
  const std::shared_ptr<CallCounts> counts_;
  std::atomic<size_t> preferred_ = 0;
};

}  // namespace etcdrill::etcd
