// Log lines whatever they hold, on pipes whoever reads them.
#include "base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "support/catch.h"

namespace etcdrill {
namespace {

using namespace std::chrono_literals;

class Pipe {
 public:
  Pipe() { REQUIRE(pipe2(fds_, O_CLOEXEC) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(fds_[0]);
    close(fds_[1]);
  }
  int in() const { return fds_[1]; }
  int out() const { return fds_[0]; }

  // All that lies in it.
  std::string Drain() const {
    std::string text;
    char buffer[4096];
    pollfd state = {.fd = out(), .events = POLLIN, .revents = 0};
    while (poll(&state, 1, 0) > 0) {
      const ssize_t n = read(out(), buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  int fds_[2] = {};
};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  CHECK(begin == text.size());  // no line is cut
  return lines;
}

std::string Logged(LogFormat format, std::string_view value) {
  const Pipe pipe;
  const auto clock = MakeSystemClock();
  Logger(LogLevel::kInfo, format, *clock, pipe.in()).Info("m", {{"v", value}});
  return pipe.Drain();
}

TEST_CASE("a bare word is printable ASCII; everything else is quoted and escaped") {
  const auto [value, written] =
      GENERATE(table<std::string, std::string>({{"etcd-0", "etcd-0"},
                                                {"", R"("")"},
                                                {"a b", R"("a b")"},
                                                {"a\x1b[31mb", R"("a\u001b[31mb")"},
                                                {"a\rb", R"("a\u000db")"},
                                                {"a\x7f", R"("a\u007f")"},
                                                {"\xc2\x9b"
                                                 "31m",
                                                 R"("\u009b31m")"},
                                                {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
                                                {"a\xff", R"("a\\xff")"},
                                                {R"(a\b)", R"("a\\b")"}}));
  CAPTURE(value);
  CHECK_THAT(Logged(LogFormat::kLogfmt, value), Catch::Matchers::EndsWith(" v=" + written + "\n"));
}

TEST_CASE("every JSON line is JSON, whatever it holds") {
  for (int first = 0; first < 256; ++first) {
    const std::string value = {'a', static_cast<char>(first), 'z'};
    const std::string line = Logged(LogFormat::kJson, value);
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    REQUIRE_FALSE(json.is_discarded());
    CHECK(json["v"] == (IsUtf8(value) ? value : "a\\x" + fmt::format("{:02x}", first) + "z"));
    CHECK(Shown(line, "\n") == line);  // no control in it but its end
  }
}

TEST_CASE("a line fits into one write to a pipe, without the fields that are too much") {
  const Pipe pipe;
  const auto clock = MakeSystemClock();
  Logger log(LogLevel::kInfo, GENERATE(LogFormat::kJson, LogFormat::kLogfmt), *clock, pipe.in());
  const std::string wide(5000, '\x01');
  log.Info("m", {{"a", std::string(5000, 'x')}, {"b", wide}, {"c", wide}, {"n", 7}});
  const std::string line = pipe.Drain();
  CHECK(Lines(line).size() == 1);
  CHECK(line.size() <= kLogLineBytesMax);
  CHECK_THAT(line, Catch::Matchers::ContainsSubstring("xxx..."));
  CHECK_THAT(line, Catch::Matchers::ContainsSubstring("7"));  // what came behind is there
}

TEST_CASE("a pipe that nobody reads stops nobody; what was dropped is counted and told") {
  const Pipe pipe;
  const int size = fcntl(pipe.in(), F_SETPIPE_SZ, 4096);
  REQUIRE(size == 4096);
  const auto clock = MakeSystemClock();
  Logger log(LogLevel::kInfo, LogFormat::kLogfmt, *clock, pipe.in());
  for (int i = 0; i < 1000; ++i) log.Info("line", {{"i", i}});  // would wait for ever
  const uint64_t dropped = log.Dropped();
  CHECK(dropped > 900);
  CHECK(Lines(pipe.Drain()).size() == 1000 - dropped);
  log.Info("line", {{"i", 1000}});
  const std::vector<std::string> after = Lines(pipe.Drain());
  REQUIRE(after.size() == 2);
  CHECK_THAT(after[0], Catch::Matchers::ContainsSubstring(
                           fmt::format("msg=\"log lines dropped\" count={}", dropped)));
  CHECK_THAT(after[1], Catch::Matchers::EndsWith(" i=1000"));
  CHECK((fcntl(pipe.in(), F_GETFL) & O_NONBLOCK) == 0);  // who shares the pipe with us still waits
}

TEST_CASE("the same for a socket, where a line may go out in part") {
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  const int small = 4096;
  setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const auto clock = MakeSystemClock();
  uint64_t dropped = 0;
  std::string text;
  {
    Logger log(LogLevel::kInfo, LogFormat::kLogfmt, *clock, fds[1]);
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 100; ++i) log.Info("line", {{"text", std::string(700, 'x')}});
      char buffer[1 << 16];
      const ssize_t n = recv(fds[0], buffer, static_cast<size_t>(1000 + 997 * round), MSG_DONTWAIT);
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
    }
    dropped = log.Dropped();
  }
  close(fds[1]);
  char buffer[1 << 16];
  for (ssize_t n = 0; (n = recv(fds[0], buffer, sizeof buffer, 0)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  close(fds[0]);
  CHECK(dropped > 0);
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    CHECK(text.substr(begin, end - begin).starts_with("ts="));
    CHECK(text.substr(begin + 3, end - begin - 3).find("ts=") == std::string::npos);
  }
}

TEST_CASE("two processes that share a pipe do not mix their lines") {
  const Pipe pipe;
  const auto clock = MakeSystemClock();
  constexpr int kWriters = 4;
  std::string text;
  std::jthread reader([&] {
    char buffer[4096];
    while (text.find("the end") == std::string::npos) {
      const ssize_t n = read(pipe.out(), buffer, sizeof buffer);
      text.append(buffer, static_cast<size_t>(n));
      std::this_thread::sleep_for(100us);  // slower than the writers
    }
  });
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        Logger log(LogLevel::kInfo, LogFormat::kJson, *clock,
                   pipe.in());  // each opens the pipe for itself
        for (int i = 0; i < 300; ++i)
          log.Info("line", {{"v", std::string(800, static_cast<char>('a' + w))}, {"w", w}});
      });
    }
  }
  REQUIRE(write(pipe.in(), "the end\n", 8) == 8);
  reader.join();
  std::vector<std::string> lines = Lines(text);
  lines.pop_back();
  for (const std::string& line : lines) CHECK(nlohmann::json::accept(line));
}

TEST_CASE("a log into a file goes to its end, not to its beginning") {
  char path[] = "/tmp/etcdrill-log-XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(write(fd, "before\n", 7) == 7);
  const auto clock = MakeSystemClock();
  Logger(LogLevel::kInfo, LogFormat::kLogfmt, *clock, fd).Info("after");
  char buffer[256];
  const ssize_t n = pread(fd, buffer, sizeof buffer, 0);
  close(fd);
  unlink(path);
  CHECK_THAT(std::string(buffer, static_cast<size_t>(n)),
             Catch::Matchers::Matches("before\nts=.* msg=\"?after\"?\n"));
}

}  // namespace
}  // namespace etcdrill
