// A sidecar without a port: configurations come, begin runs, and go, and nothing that they use goes
// before them. The address and the thread sanitizer run these, too. The source does not answer;
// what matters is who outlives whom.
#include "sidecar/cluster_runtime.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "sidecar/reloader.h"
#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::sidecar {
namespace {

using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

struct Process {
  Settings SettingsNow() const {
    Settings settings;
    settings.config.cluster.name = "test";
    settings.config.store_path = test.Path("store");
    settings.config.drill.scratch_dir = test.Path("scratch");
    settings.config.snapshot.schedule = config::Every(10ms);
    settings.config.snapshot.jitter = {};
    settings.config.drill.schedule = config::Every(10ms);
    settings.config.drill.jitter = {};
    settings.config.health.interval = 10ms;
    settings.connection.endpoints = {"http://127.0.0.1:1"};
    settings.connection.command_timeout = 50ms;
    settings.connection.dial_timeout = 50ms;
    settings.log_level = LogLevel::kError;
    return settings;
  }

  std::unique_ptr<ClusterRuntime> Create(const Settings& settings) {
    auto created = ClusterRuntime::Create(context, settings, timer, pool);
    REQUIRE(created.ok());
    return *std::move(created);
  }

  TestContext test;
  Logger log{LogLevel::kError, LogFormat::kLogfmt, test.clock(), 1};
  Context context = test.context().With(log);
  Timer timer{test.clock()};
  Pool pool{ClusterRuntime::CountTasks({})};
};

TEST_CASE("configurations that come and go while runs are asked for leave nothing behind") {
  Process s;
  const auto cluster = s.Create(s.SettingsNow());
  Reloader reloader(
      s.context, [&] { return s.SettingsNow(); }, *cluster);
  cluster->Start();
  std::jthread ticking([&](const std::stop_token& stop) { s.timer.Run(stop); });
  std::jthread asking([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      cluster->TakeSnapshotNow();
      cluster->DrillNow();
      std::this_thread::sleep_for(1ms);
    }
  });
  for (int n = 0; n < 20; ++n) {
    std::this_thread::sleep_for(20ms);
    CHECK(reloader.Reload().ok());
  }
  asking.request_stop();
  asking.join();
  ticking.request_stop();
  ticking.join();
  cluster->Finish();
  CHECK_FALSE(cluster->TakeSnapshotNow());
}

// A host that takes connections and says nothing.
class SilentHost {
 public:
  SilentHost() {
    sockaddr_in any{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof any;
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&any), size) == 0);
    REQUIRE(listen(fd_, 16) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    port_ = ntohs(any.sin_port);
  }
  SilentHost(const SilentHost&) = delete;
  SilentHost& operator=(const SilentHost&) = delete;
  ~SilentHost() { close(fd_); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
};

TEST_CASE("a stop right after a reload waits for what the configuration before began") {
  const SilentHost host;
  Process s;
  Settings waiting = s.SettingsNow();
  waiting.config.snapshot.schedule.reset();
  waiting.connection.endpoints = {host.url()};
  waiting.connection.dial_timeout = waiting.connection.command_timeout = 500ms;
  const auto cluster = s.Create(waiting);
  Reloader reloader(
      s.context, [&] { return s.SettingsNow(); }, *cluster);
  cluster->Start();
  {
    std::jthread ticking([&](const std::stop_token& stop) { s.timer.Run(stop); });
    REQUIRE(cluster->TakeSnapshotNow());
    std::this_thread::sleep_for(50ms);  // its health probe waits for the host by now
    CHECK(reloader.Reload().ok());
  }
  cluster->Finish();
  CHECK_FALSE(cluster->activity()[report::Task::kSnapshot].runs);
  CHECK_FALSE(cluster->activity()[report::Task::kHealth].runs);
}

TEST_CASE("what is refused changes nothing, and the last success stays known") {
  Process s;
  const auto cluster = s.Create(s.SettingsNow());
  Result<Settings> next = Error(Reason::kConfig, "a bad file");
  Reloader reloader(
      s.context, [&] { return next; }, *cluster);
  const WallTime at_first = reloader.last().succeeded;
  const auto before = cluster->config();
  CHECK(ReasonOf(reloader.Reload()) == Reason::kConfig);
  next = s.SettingsNow();
  next->config.cluster.name = "other";
  CHECK(ReasonOf(reloader.Reload()) == Reason::kConfig);
  CHECK_FALSE(reloader.last().successful);
  CHECK(reloader.last().succeeded == at_first);
  CHECK(cluster->config() == before);
  next = s.SettingsNow();
  next->config.objectives.rpo = 5h;
  CHECK(reloader.Reload().ok());
  CHECK(reloader.last().successful);
  CHECK(cluster->config()->objectives.rpo == 5h);
  CHECK(cluster->View().config == cluster->config());
}

}  // namespace
}  // namespace etcdrill::sidecar
