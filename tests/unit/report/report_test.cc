// The metrics page in its states, and the server's manners.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report/http_server.h"
#include "report/metrics.h"
#include "support/catch.h"

namespace etcdrill::report {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a fresh page has all counters at 0 and nothing that is not known") {
  const Metrics metrics({.snapshot_interval_seconds = 3600, .endpoints = {"a"}}, [] { return LiveFacts{}; });
  const std::string page = metrics.Render();
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshot_failures_total{reason=\"connect\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_failures_total{stage=\"boot\"} 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_snapshots{state=\"verified\"} 0\n"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_snapshot_last_success_timestamp_seconds"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_source_up"));
  CHECK_THAT(page, !ContainsSubstring("etcdrill_drill_last_check_success"));
}

TEST_CASE("events move what they should") {
  Metrics metrics({.endpoints = {"a"}}, [] { return LiveFacts{}; });
  metrics.SnapshotStarted();
  metrics.SnapshotFailed(Reason::kNoSpace, 100);
  metrics.SnapshotStarted();
  metrics.SnapshotFailed(Reason::kNoSpace, 200);
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_failures_total{reason=\"space\"} 2\n"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_consecutive_failures 2\n"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_last_failure_timestamp_seconds 200\n"));
  metrics.SnapshotStarted();
  metrics.SnapshotSucceeded(3, 1000);
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_consecutive_failures 0\n"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{le=\"2.5\"} 0\n"));
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_snapshot_duration_seconds_bucket{le=\"5\"} 1\n"));
  metrics.DrillStarted(300);
  CHECK_THAT(metrics.Render(), ContainsSubstring("etcdrill_drill_in_progress 1\n"));
  metrics.DrillEnded(false, "boot", 5, false, "3.5.16");
  const std::string page = metrics.Render();
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_in_progress 0\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_failures_total{stage=\"boot\"} 1\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_cleanup_failures_total 1\n"));
  CHECK_THAT(page, ContainsSubstring("etcdrill_drill_etcd_info{version=\"3.5.16\"} 1\n"));
}

std::string Ask(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) answer.append(buffer, static_cast<size_t>(n));
  close(fd);
  return answer;
}

std::unique_ptr<HttpServer> TestServer() {
  auto server = HttpServer::Start("127.0.0.1:0", {{"/metrics", [] { return HttpResponse{.body = "the page"}; }}});
  REQUIRE(server.ok());
  return *std::move(server);
}

TEST_CASE("routes are exact, HEAD has no body, other methods are refused") {
  const auto server = TestServer();
  const auto ask = [&](const std::string& line) { return Ask(server->port(), line + " HTTP/1.1\r\nHost: x\r\n\r\n"); };
  CHECK_THAT(ask("GET /metrics"),
             Catch::Matchers::StartsWith("HTTP/1.1 200 OK") && Catch::Matchers::EndsWith("the page"));
  CHECK_THAT(ask("HEAD /metrics"), ContainsSubstring("Content-Length: 8") && !ContainsSubstring("the page"));
  for (const char* path : {"/metrics/", "/metrics/x", "/metricsx", "/", "/../etc/passwd", "/%2e%2e/etc/passwd"}) {
    CAPTURE(path);
    CHECK_THAT(ask(std::string("GET ") + path), Catch::Matchers::Matches("HTTP/1.1 (404|400)[^]*"));
  }
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    CAPTURE(method);
    const std::string answer =
        Ask(server->port(), std::string(method) + " /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    CHECK_THAT(answer, Catch::Matchers::StartsWith("HTTP/1.1 405") && ContainsSubstring("Allow: GET, HEAD"));
  }
}

TEST_CASE("an address that can't be listened on is one line") {
  const auto server = TestServer();
  const std::string taken = "127.0.0.1:" + std::to_string(server->port());
  const std::string address = GENERATE_COPY(taken, "nonsense", "[::1]:9379", "127.0.0.1:99999", "192.0.2.1:9379", "");
  CAPTURE(address);
  const auto second = HttpServer::Start(address, {});
  REQUIRE_FALSE(second.ok());
  CHECK(ReasonOf(second.status()) == Reason::kConfig);
  CHECK_THAT(std::string(MessageOf(second.status())), ContainsSubstring("web.listen"));
}

TEST_CASE("half-sent requests do not keep a scrape waiting") {
  const auto server = TestServer();
  std::vector<int> slow;
  for (int i = 0; i < 12; ++i) {
    slow.push_back(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(slow.back(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(write(slow.back(), "GET /met", 8) == 8);
  }
  const auto before = std::chrono::steady_clock::now();
  CHECK_THAT(Ask(server->port(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), ContainsSubstring("the page"));
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(1));
  for (const int fd : slow) close(fd);
}

}  // namespace
}  // namespace etcdrill::report
