// The client against a server that says what it was told to, byte by byte.
#include "io/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "io/fd.h"
#include "support/catch.h"

namespace etcdrill {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

// What one connection does with the requests that come over it: an answer each, and then the end.
struct Plan {
  std::vector<std::string> answers;
  // The last two after one more request, which is read and not answered.
  enum class End { kClose, kReset, kResetLater, kHang } end = End::kClose;
};

// Each connection has the next plan, and a thread of its own.
class Server {
 public:
  explicit Server(std::vector<Plan> plans) : plans_(std::move(plans)) {
    const sockaddr_in any{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    REQUIRE(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(listen(listener_.get(), 8) == 0);
    thread_ = std::jthread([this] { Accept(); });
  }
  ~Server() {
    over_ = true;
    shutdown(listener_.get(), SHUT_RDWR);
  }

  std::string url(std::string_view target = "/") const {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    return "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + std::string(target);
  }
  // Heads and bodies, in the order of arrival.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  // Head and body of the next request; empty if none comes.
  static std::string Read(int client) {
    std::string request;
    size_t whole = std::string::npos;
    while (request.size() < whole) {
      char some[4096];
      const ssize_t n = recv(client, some, sizeof some, 0);
      if (n <= 0) return "";
      request.append(some, static_cast<size_t>(n));
      const size_t head = request.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const size_t length = request.find("Content-Length: ");
      whole = head + 4;
      if (length < head) whole += std::stoul(request.substr(length + 16));
    }
    return request;
  }

  void Accept() {
    std::vector<std::jthread> threads;  // of connections; joined at the end
    for (const Plan& plan : plans_) {
      Fd client(accept(listener_.get(), nullptr, nullptr));
      if (client.get() < 0) return;
      threads.emplace_back([this, &plan, fd = std::move(client)] { Serve(plan, fd.get()); });
    }
  }

  void Serve(const Plan& plan, int client) {
    const bool one_more = plan.end == Plan::End::kResetLater || plan.end == Plan::End::kHang;
    for (size_t i = 0; i < plan.answers.size() + (one_more ? 1 : 0); ++i) {
      const std::string request = Read(client);
      if (request.empty()) break;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (i == plan.answers.size()) break;
      send(client, plan.answers[i].data(), plan.answers[i].size(), MSG_NOSIGNAL);
    }
    while (plan.end == Plan::End::kHang && !over_) std::this_thread::sleep_for(10ms);
    if (plan.end != Plan::End::kReset && plan.end != Plan::End::kResetLater) return;
    std::this_thread::sleep_for(50ms);  // until what was sent is read
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

  const std::vector<Plan> plans_;
  const Fd listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_
  std::jthread thread_;
};

std::string Answer(std::string_view body, std::string_view more = "", int length = -1) {
  return "HTTP/1.1 200 OK\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(length < 0 ? static_cast<int>(body.size()) : length) +
         "\r\n\r\n" + std::string(body);
}

Result<HttpResponse> Send(HttpClient& client, const HttpRequest& request) {
  return client.Send(request, std::stop_token());
}

// Without the proxies of whoever runs the tests.
std::unique_ptr<HttpClient> Client() { return MakeHttpClient({.may_use_proxy = false}); }

TEST_CASE("a request goes out as it stands, and its answer comes back") {
  Server server({{.answers = {"HTTP/1.1 100 Continue\r\nX-No: no\r\n\r\nHTTP/1.1 404 Not Found\r\n"
                              "X-Some:  value \r\nContent-Length: 4\r\n\r\nbody"}}});
  const auto response = Send(*Client(), {.method = "PUT",
                                         .url = server.url("/a/../b%2Fc?x=%2f"),
                                         .headers = {{"x-own", "1"}, {"host", "signed.example"}},
                                         .body = "the body"});
  REQUIRE(response.ok());
  CHECK(response->status == 404);
  CHECK(response->body == "body");
  CHECK(response->Header("x-some") == "value");
  CHECK(response->Header("x-no").empty());
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("PUT /a/../b%2Fc?x=%2f HTTP/1.1\r\n"));
  CHECK_THAT(request, ContainsSubstring("\r\nHost: signed.example\r\n"));
  CHECK_THAT(request, ContainsSubstring("\r\nx-own: 1\r\n"));
  CHECK_THAT(request, !ContainsSubstring("Expect"));
  CHECK_THAT(request, !ContainsSubstring("Content-Type"));
  CHECK(request.ends_with("\r\n\r\nthe body"));
}

TEST_CASE("redirects are answers, and not followed") {
  Server server({{.answers = {"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n"
                              "Content-Length: 0\r\n\r\n"}}});
  const auto response = Send(*Client(), {.url = server.url()});
  REQUIRE(response.ok());
  CHECK(response->status == 301);
}

TEST_CASE("a connection serves one request after the other, unless that is not wanted") {
  const bool fresh = GENERATE(false, true);
  Server server({{.answers = {Answer("1"), Answer("2")}}, {.answers = {Answer("3")}}});
  const auto client = Client();
  CHECK(Send(*client, {.url = server.url()})->body == "1");
  CHECK(Send(*client, {.url = server.url(), .fresh_connection = fresh})->body ==
        (fresh ? "3" : "2"));
}

TEST_CASE("a kept connection that dies: the request is sent again, whole, or that is told") {
  const bool fresh = GENERATE(false, true);
  // The second request is read, and the connection closed without an answer.
  Server server({{.answers = {Answer("1")}, .end = Plan::End::kReset}, {.answers = {Answer("2")}}});
  const auto client = Client();
  REQUIRE(Send(*client, {.url = server.url()}).ok());
  const std::string body(300'000, 'b');
  const auto second = Send(
      *client, {.method = "PUT", .url = server.url(), .body = body, .fresh_connection = fresh});
  REQUIRE(second.ok());
  CHECK(server.requests().back().ends_with(body));
}

TEST_CASE("a body that ends early, in good order or not") {
  const auto end = GENERATE(Plan::End::kClose, Plan::End::kReset);
  Server server({{.answers = {Answer("0123", "", 10)}, .end = end}});
  std::string got;
  const auto response =
      Send(*Client(),
           {.url = server.url(), .receive = [&](const HttpResponse& head, std::string_view bytes) {
              CHECK(head.status == 200);
              CHECK(head.Header("content-length") == "10");
              got += bytes;
              return OkStatus();
            }});
  CHECK(Is(response, end == Plan::End::kClose ? Reason::kStreamShort : Reason::kStreamCut));
  CHECK(got == "0123");
}

TEST_CASE("an answer that never comes") {
  Server server({{.answers = {}, .end = Plan::End::kResetLater}});
  const auto response = Send(*Client(), {.method = "PUT", .url = server.url(), .body = "the body"});
  CHECK(Is(response, Reason::kStreamCut));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("the error of whoever receives comes back as it is") {
  Server server({{.answers = {Answer("0123")}}});
  const auto response =
      Send(*Client(), {.url = server.url(), .receive = [](const HttpResponse&, std::string_view) {
                         return Error(Reason::kNoSpace, "my disk");
                       }});
  CHECK(Is(response, Reason::kNoSpace));
  CHECK(MessageOf(response.status()) == "my disk");
}

TEST_CASE("an error's body is kept, though somebody would receive") {
  Server server({{.answers = {"HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nwhy"}}});
  const auto response =
      Send(*Client(), {.url = server.url(), .receive = [](const HttpResponse&, std::string_view) {
                         return Error(Reason::kInternal, "not for you");
                       }});
  REQUIRE(response.ok());
  CHECK(response->body == "why");
}

TEST_CASE("an answer that is kept is bounded") {
  Server server({{.answers = {Answer("0123456789")}}});
  CHECK(Is(Send(*Client(), {.url = server.url(), .body_max = 9}), Reason::kConnect));
}

TEST_CASE("what makes no progress is given up, and so is what a stop ends") {
  Server server({{.answers = {}, .end = Plan::End::kHang}});
  const auto client = MakeHttpClient({.may_use_proxy = false, .stall_max = 1s});
  SECTION("by the limit on a stalled one") {
    CHECK(Is(Send(*client, {.url = server.url()}), Reason::kTimeout));
  }
  SECTION("by the limit of the request") {
    CHECK(Is(Send(*Client(), {.url = server.url(), .time_max = 100ms}), Reason::kTimeout));
  }
  SECTION("by a stop") {
    std::stop_source stop;
    const std::jthread later([&] {
      std::this_thread::sleep_for(100ms);
      stop.request_stop();
    });
    CHECK(IsInterrupted(Client()->Send({.url = server.url()}, stop.get_token()).status()));
    CHECK(IsInterrupted(Client()->Send({.url = server.url()}, stop.get_token()).status()));
  }
}

TEST_CASE("what can't be reached, or is no URL of HTTP") {
  CHECK(Is(Send(*Client(), {.url = "http://127.0.0.1:1/"}), Reason::kConnect));
  CHECK(Is(Send(*Client(), {.url = "file:///etc/passwd"}), Reason::kUsage));
  CHECK(Is(Send(*Client(), {.url = "http://"}), Reason::kUsage));
  Server server({{.answers = {"SSH-2.0-OpenSSH\r\n"}}});
  CHECK(Is(Send(*Client(), {.url = server.url()}), Reason::kConnect));
}

TEST_CASE("a header can't smuggle another one in") {
  CHECK(Is(Send(*Client(), {.url = "http://127.0.0.1:1/", .headers = {{"a", "b\r\nc: d"}}}),
           Reason::kUsage));
}

TEST_CASE("errors name the host, and neither path nor headers") {
  const auto response = Send(*Client(), {.url = "http://127.0.0.1:1/secret-path?token=x",
                                         .headers = {{"authorization", "secret"}}});
  const std::string text(MessageOf(response.status()));
  CHECK_THAT(text, ContainsSubstring("GET http://127.0.0.1:1: "));
  CHECK_THAT(text, !ContainsSubstring("secret"));
}

TEST_CASE("a proxy of the environment is for those who may use it") {
  Server proxy({{.answers = {Answer("by the proxy")}}});
  REQUIRE(setenv("http_proxy", proxy.url().c_str(), 1) == 0);
  const std::string own = proxy.url();
  SECTION("who may") {
    const auto response = Send(*MakeHttpClient({}), {.url = "http://store.invalid/x"});
    REQUIRE(response.ok());
    CHECK(response->body == "by the proxy");
    CHECK(proxy.requests().at(0).starts_with("GET http://store.invalid/x HTTP/1.1\r\n"));
  }
  SECTION("who may not") {
    CHECK(Is(Send(*Client(), {.url = "http://127.0.0.1:1/"}), Reason::kConnect));
    CHECK(proxy.requests().empty());
  }
  unsetenv("http_proxy");
  SECTION("one that is configured") {
    CHECK(Send(*MakeHttpClient({.proxy = own}), {.url = "http://127.0.0.1:1/"})->body ==
          "by the proxy");
  }
}

}  // namespace
}  // namespace etcdrill
