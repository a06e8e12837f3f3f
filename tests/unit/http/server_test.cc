// The port, seen from the wire. TLS is in tests/e2e/test_web.py.
#include "http/server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "config/web_config.h"
#include "http/civet.h"
#include "support/catch.h"
#include "support/raw_client.h"
#include "support/slower.h"
#include "support/test_context.h"

namespace etcdrill::http {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using testing::Ask;
using testing::kSlower;
using testing::RawClient;

constexpr const char* kGood = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

class Served {
 public:
  explicit Served(const std::string& listen = "127.0.0.1:0") {
    auto guard = Guard::Create(test_.context(), "", config::ParseWebConfig);
    REQUIRE(guard.ok());
    guard_ = *std::move(guard);
    auto server = Server::Start(test_.context(), listen, *guard_, Routes());
    REQUIRE(server.ok());
    server_ = *std::move(server);
  }
  int port() const { return server_->port(); }
  int runs() const { return runs_; }

 private:
  std::vector<Route> Routes() {
    const auto page = [](std::string body) {
      return [body](const Request&) { return Response{.body = body}; };
    };
    return {{Route::Kind::kPage, "/metrics", page("the page")},
            {Route::Kind::kPage, "/long", page(std::string(200'000, 'x'))},
            {Route::Kind::kAction, "/-/drill", [this](const Request&) {
               ++runs_;
               return Response{.status = 202};
             }}};
  }

  testing::TestContext test_;
  std::atomic<int> runs_ = 0;
  std::unique_ptr<Guard> guard_;
  std::unique_ptr<Server> server_;
};

std::chrono::milliseconds TimeOf(const std::function<void()>& what) {
  const auto before = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               before);
}

TEST_CASE("an answer is whole, HEAD has no body") {
  const Served served;
  CHECK_THAT(Ask(served.port(), kGood),
             StartsWith("HTTP/1.1 200 OK\r\n") && EndsWith("\r\n\r\nthe page"));
  CHECK_THAT(Ask(served.port(), "HEAD /metrics HTTP/1.0\r\n\r\n"),
             ContainsSubstring("Content-Length: 8\r\n") && EndsWith("\r\n\r\n"));
  CHECK(Ask(served.port(), "GET /long HTTP/1.1\r\n\r\n").size() > 200'000);
  CHECK_THAT(Ask(served.port(), "GET /metrics?x=%00 HTTP/1.1\n\n"), EndsWith("the page"));
}

TEST_CASE("IPv4 and IPv6") {
  struct Case {
    const char* listen;
    bool v4;
    bool v6;
  };
  const Case c = GENERATE(Case{"127.0.0.1:0", true, false}, Case{"[::1]:0", false, true},
                          Case{"localhost:0", true, false}, Case{":0", true, true},
                          Case{"[::]:0", true, true}, Case{"0.0.0.0:0", true, false});
  CAPTURE(c.listen);
  const Served served(c.listen);
  for (const bool v6 : {false, true}) {
    if (!(v6 ? c.v6 : c.v4)) continue;
    const RawClient client(served.port(), v6);
    client.Send(kGood);
    CHECK_THAT(client.ReadAll(), EndsWith("the page"));
  }
}

TEST_CASE("an address that can't be listened on is one line") {
  const Served served;
  const std::string taken = "127.0.0.1:" + std::to_string(served.port());
  const std::string address =
      GENERATE_COPY(taken, "nonsense", "", "::1:9379", "[::1:9379", "127.0.0.1:99999",
                    "127.0.0.1:-1", "192.0.2.1:9379", "no-such-host.invalid:9379");
  CAPTURE(address);
  const testing::TestContext test;
  const auto guard = Guard::Create(test.context(), "", config::ParseWebConfig);
  REQUIRE(guard.ok());
  const auto second = Server::Start(test.context(), address, **guard, {});
  REQUIRE_FALSE(second.ok());
  // What may pass, whoever starts us tries again; what is written wrongly, nobody does.
  const bool may_pass =
      address == taken || address == "192.0.2.1:9379" || address == "no-such-host.invalid:9379";
  CHECK(ReasonOf(second.status()) == (may_pass ? Reason::kIoError : Reason::kUsage));
  CHECK_THAT(std::string(MessageOf(second.status())), ContainsSubstring("web.listen"));
}

TEST_CASE("200 slow clients and 200 idle ones keep nobody waiting, and are ended") {
  const Served served;
  std::vector<RawClient> clients;
  for (int i = 0; i < 400; ++i) clients.emplace_back(served.port());
  const auto start = std::chrono::steady_clock::now();
  std::chrono::milliseconds worst{};
  std::string header = "GET /metrics HTTP/1.1\r\nX: " + std::string(100, 'a');
  for (size_t sent = 0; std::chrono::steady_clock::now() < start + 4s; ++sent) {
    for (int i = 0; i < 200; ++i) clients[static_cast<size_t>(i)].Send(header.substr(sent, 1));
    worst = std::max(worst,
                     TimeOf([&] { CHECK_THAT(Ask(served.port(), kGood), EndsWith("the page")); }));
    std::this_thread::sleep_for(300ms);
  }
  CHECK(worst < 3s * kSlower);
  std::this_thread::sleep_until(start + 7s);
  int open = 0;
  for (size_t i = 0; i < clients.size(); ++i) {
    if (i < 200) CHECK_THAT(clients[i].ReadAll(100ms), StartsWith("HTTP/1.1 408"));
    if (!clients[i].IsClosed()) ++open;
  }
  CHECK(open == 0);
}

TEST_CASE("more slow clients than there is room for: the oldest go, the newest is served") {
  const Served served;
  std::vector<RawClient> clients;
  for (int i = 0; i < 700; ++i) {
    clients.emplace_back(served.port());
    clients.back().Send("GET /met");
  }
  CHECK_THAT(Ask(served.port(), kGood), EndsWith("the page"));
  CHECK(clients.front().IsClosed());
  CHECK_FALSE(clients.back().IsClosed());
}

TEST_CASE("clients that don't take their answer hold no thread and little memory") {
  const Served served;
  std::vector<RawClient> clients;
  for (int i = 0; i < 300; ++i) {
    clients.emplace_back(served.port());
    clients.back().Send("GET /long HTTP/1.1\r\n\r\n");
  }
  CHECK(TimeOf([&] { CHECK_THAT(Ask(served.port(), kGood), EndsWith("the page")); }) <
        10s * kSlower);
}

TEST_CASE("what is too large, too much or no HTTP has its status") {
  const Served served;
  const int port = served.port();
  CHECK_THAT(Ask(port, "GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"),
             StartsWith("HTTP/1.1 431"));
  std::string many = "GET /metrics HTTP/1.1\r\n";
  for (int i = 0; i < 10'000; ++i) many += "A: b\r\n";
  CHECK_THAT(Ask(port, many + "\r\n"), StartsWith("HTTP/1.1 431"));
  CHECK_THAT(Ask(port, "POST /-/drill HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n" +
                           std::string(10'000'000, 'x')),
             StartsWith("HTTP/1.1 413"));
  CHECK_THAT(
      Ask(port, "POST /-/drill HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
      StartsWith("HTTP/1.1 413"));
  CHECK_THAT(Ask(port, "BREW /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 40"));
  CHECK_THAT(Ask(port, "GET /metrics HTTP/7.1\r\n\r\n"),
             StartsWith("HTTP/1.1 505") || StartsWith("HTTP/1.1 400"));
  CHECK_THAT(Ask(port, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  CHECK_THAT(Ask(port, "\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  CHECK_THAT(Ask(port, "GET http://other:9/metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 40"));
  CHECK(served.runs() == 0);
}

TEST_CASE("an endless body is answered at once, and not read for ever") {
  const Served served;
  const RawClient client(served.port());
  client.Send("POST /-/drill HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  bool ended = false;
  const auto took = TimeOf([&] {
    for (int i = 0; i < 10'000'000 && !ended; ++i) ended = !client.Send(chunk);
  });
  CHECK(ended);
  CHECK(took < 4s * kSlower);
}

TEST_CASE("no path leads anywhere but to a route") {
  const Served served;
  for (const char* path :
       {"/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        "/%252e%252e/etc/passwd", "/..\\..\\etc\\passwd", "/etc/passwd%00.html", "//etc/passwd",
        "/./metrics", "/metrics/..", "/x/../metrics", "/%c0%ae%c0%ae/etc/passwd", "/.htpasswd",
        "/metrics/../../etc/shadow", "/;/metrics", "/%6detrics"}) {
    CAPTURE(path);
    CHECK_THAT(Ask(served.port(), std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n"),
               StartsWith("HTTP/1.1 404") || StartsWith("HTTP/1.1 400"));
  }
}

TEST_CASE("half-close, early leave, and a second request behind the first") {
  const Served served;
  const RawClient half(served.port());
  half.Send(kGood);
  half.FinishSending();
  CHECK_THAT(half.ReadAll(), EndsWith("the page"));
  for (int i = 0; i < 100; ++i) RawClient(served.port()).Send("GET /long HTTP/1.1\r\n\r\n");
  for (int i = 0; i < 100; ++i) RawClient(served.port()).Send("GET /lo");
  CHECK_THAT(Ask(served.port(), kGood), EndsWith("the page"));

  CHECK_THAT(Ask(served.port(),
                 "POST /-/drill HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n0\r\n\r\n"
                 "POST /-/drill HTTP/1.1\r\n\r\n"),
             StartsWith("HTTP/1.1 400"));
  CHECK(served.runs() == 0);
  const std::string twice =
      Ask(served.port(), std::string(kGood) + "POST /-/drill HTTP/1.1\r\n\r\n");
  CHECK_THAT(twice, EndsWith("the page"));
  CHECK(served.runs() == 0);
}

std::string Mutated(std::string bytes, std::mt19937& random) {
  for (auto n = random() % 6; n > 0; --n) {
    const size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(at, random() % 16);
        break;
      case 2:
        bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 64));
        break;
      default:
        bytes.insert(at, 1, "\r\n \0:%/\t"[random() % 8]);
    }
  }
  return bytes;
}

// Some requests wait for a timeout, so many are sent at once. ETCDRILL_FAULTS_SCALE multiplies
// their number: 500 gives a million.
TEST_CASE("mutated requests harm nobody") {
  constexpr unsigned kClients = 25;
  const char* scale = std::getenv("ETCDRILL_FAULTS_SCALE");
  const int rounds = 80 * (scale == nullptr ? 1 : std::atoi(scale));
  const Served served;
  const std::string seed =
      "GET /metrics?a=b HTTP/1.1\r\nHost: localhost:9379\r\nAccept-Encoding: gzip, "
      "br;q=0.5\r\nContent-Length: 3\r\n"
      "Authorization: Basic YTpi\r\nExpect: 100-continue\r\nConnection: keep-alive, "
      "Upgrade\r\nUpgrade: websocket\r\n\r\nabc";
  std::mutex mutex;
  std::vector<std::string> unsound;
  std::vector<std::jthread> clients;
  for (unsigned number = 0; number < kClients; ++number) {
    clients.emplace_back([&, number] {
      std::mt19937 random(number);
      for (int i = 0; i < rounds; ++i) {
        const std::string bytes = Mutated(seed, random);
        const RawClient client(served.port());
        client.Send(bytes);
        client.FinishSending();
        const std::string answer = client.ReadAll(8s);
        if (answer.empty() ? client.IsClosed() : answer.starts_with("HTTP/1.1 ")) continue;
        const std::lock_guard lock(mutex);
        unsound.push_back(bytes + "\n->\n" + answer);
      }
    });
  }
  clients.clear();
  CHECK(unsound == std::vector<std::string>());
  CHECK_THAT(Ask(served.port(), kGood), EndsWith("the page"));
}

TEST_CASE("the inner server answers nobody but the front") {
  testing::TestContext test;
  std::atomic<int> answered = 0;
  const auto server = CivetServer::Start(
      [&](const Request&) {
        ++answered;
        return Response{.body = "inner"};
      },
      test.context().random);
  REQUIRE(server.ok());
  auto ours = (*server)->Connect();
  REQUIRE(ours.ok());
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  while (getpeername(ours->get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0)
    std::this_thread::yield();
  CHECK_THAT(Ask(ntohs(peer.sin_port), kGood), Catch::Matchers::Equals(""));
  CHECK(answered == 0);

  // From the same source address, which every process of this machine can find out: still nothing.
  sockaddr_in self{};
  size = sizeof self;
  REQUIRE(getsockname(ours->get(), reinterpret_cast<sockaddr*>(&self), &size) == 0);
  const Fd stranger(socket(AF_INET, SOCK_STREAM, 0));
  self.sin_port = 0;
  REQUIRE(bind(stranger.get(), reinterpret_cast<const sockaddr*>(&self), size) == 0);
  REQUIRE(connect(stranger.get(), reinterpret_cast<const sockaddr*>(&peer), size) == 0);
  REQUIRE(send(stranger.get(), kGood, strlen(kGood), MSG_NOSIGNAL) > 0);
  char byte;
  CHECK(recv(stranger.get(), &byte, 1, 0) <= 0);
  CHECK(answered == 0);

  REQUIRE(send(ours->get(), kGood, strlen(kGood), MSG_NOSIGNAL) > 0);
  while (recv(ours->get(), &byte, 1, 0) < 0 && errno == EAGAIN) std::this_thread::yield();
  CHECK(answered == 1);
  (*server)->Disconnect(*std::move(ours));
}

}  // namespace
}  // namespace etcdrill::http
