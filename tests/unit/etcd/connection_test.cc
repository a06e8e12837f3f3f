// No connection outlives its client, even if the member greets it long after it was given up: an
// etcd that boots, or hangs for a while, accepts at once and speaks later.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "etcd/client.h"
#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using testing::TestContext;

// Accepts at once, and greets (HTTP/2, RFC 9113: an empty SETTINGS frame) nobody before the time,
// then everybody. It answers nothing. Catch's assertions are not for its thread.
class LateServer {
 public:
  // `path` is that of a unix socket: connected at once, even if nobody waits in gRPC for it.
  LateServer(const std::string& path, std::chrono::milliseconds silent)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    REQUIRE(path.copy(address.sun_path, sizeof address.sun_path - 1) == path.size());
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(fd_, 64) == 0);
    thread_ = std::jthread(
        [this, greet_at = std::chrono::steady_clock::now() + silent](const std::stop_token& stop) {
          while (!stop.stop_requested()) Turn(std::chrono::steady_clock::now() >= greet_at);
        });
  }
  ~LateServer() {
    thread_ = {};
    for (const int connection : connections_) close(connection);
    close(fd_);
  }

  size_t accepted() const { return connections_.size(); }  // after Stop()
  void Stop() { thread_ = {}; }

  // After Stop(): how many connections the other side does not close within five seconds.
  size_t CountOpen() const {
    size_t open = 0;
    for (const int connection : connections_) {
      char bytes[4096];
      ssize_t got = 0;
      pollfd readable = {.fd = connection, .events = POLLIN, .revents = 0};
      do {
        got = poll(&readable, 1, 5000) == 1 ? recv(connection, bytes, sizeof bytes, 0) : 1;
      } while (got > 0 && readable.revents != 0);
      if (got > 0) ++open;
    }
    return open;
  }

 private:
  void Turn(bool greet) {
    pollfd listening = {.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&listening, 1, 10) == 1)
      connections_.push_back(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    if (!greet) return;
    constexpr unsigned char kSettings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    for (; greeted_ < connections_.size(); ++greeted_) {
      (void)send(connections_[greeted_], kSettings, sizeof kSettings, MSG_NOSIGNAL);
    }
  }

  int fd_;
  std::vector<int> connections_;
  size_t greeted_ = 0;
  std::jthread thread_;
};

TEST_CASE("a member that accepts and greets late leaves no connection behind") {
  TestContext test;
  LateServer server(test.Path("socket"), 700ms);
  {
    ConnectionOptions options;
    options.endpoints = {"unix://" + test.Path("socket")};
    options.dial_timeout = 200ms;
    options.command_timeout = 500ms;
    const auto client = Client::Create(options, test.context());
    REQUIRE(client.ok());
    const Stopwatch watch(test.clock());
    while (watch.Elapsed() < 2s) {
      CHECK_FALSE((*client)->endpoints().at(0).Status().ok());
      test.clock().SleepFor(20ms, {});
    }
  }
  server.Stop();
  CHECK(server.accepted() > 1);  // some were given up before the greeting
  CHECK(server.CountOpen() == 0);
}

}  // namespace
}  // namespace etcdrill::etcd
