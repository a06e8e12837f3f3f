// A sidecar without a port: generations come, begin runs, and go, and nothing that they use goes
// before them. The address and the thread sanitizer run these, too. The source does not answer;
// what matters is who outlives whom.
#include "sidecar/reloader.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::sidecar {
namespace {

using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

struct Scene {
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

  TestContext test;
  Logger log{LogLevel::kError, LogFormat::kLogfmt, test.clock(), 1};
  Context context = test.context().With(log);
  std::unique_ptr<store::LocalStore> store =
      store::LocalStore::Open(context, test.Path("store")).value();
  report::Metrics metrics{{}, [] { return report::LiveFacts{}; }};
  report::StatusBoard board;
  std::unique_ptr<Permanent> permanent{new Permanent{.context = context,
                                                     .store = *store,
                                                     .metrics = metrics,
                                                     .board = board,
                                                     .counts = std::make_shared<etcd::CallCounts>(),
                                                     .process_start = context.clock.Now()}};
};

TEST_CASE("generations that come and go while runs are asked for leave nothing behind") {
  Scene scene;
  {
    auto reloader = Reloader::Create(
        *scene.permanent, [&] { return scene.SettingsNow(); }, scene.SettingsNow());
    REQUIRE(reloader.ok());
    (*reloader)->Current()->Start();
    std::jthread asking([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        (*reloader)->Current()->TakeSnapshotNow();
        (*reloader)->Current()->DrillNow();
        std::this_thread::sleep_for(1ms);
      }
    });
    for (int n = 0; n < 20; ++n) {
      std::this_thread::sleep_for(20ms);
      CHECK((*reloader)->Reload().ok());
    }
    asking.request_stop();
    asking.join();
    (*reloader)->Finish();
    CHECK((*reloader)->Current()->idle());
  }
  scene.permanent.reset();  // the gates, last
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

// A run that a request began keeps its generation alive, whose schedules then use gates that are
// gone.
TEST_CASE("a stop right after a reload waits for what the generation before began") {
  const SilentHost host;
  Scene scene;
  Settings waiting = scene.SettingsNow();
  waiting.config.snapshot.schedule.reset();
  waiting.connection.endpoints = {host.url()};
  waiting.connection.dial_timeout = waiting.connection.command_timeout = 500ms;
  {
    auto reloader = Reloader::Create(
        *scene.permanent, [&] { return scene.SettingsNow(); }, waiting);
    REQUIRE(reloader.ok());
    const std::weak_ptr<Generation> before = (*reloader)->Current();
    before.lock()->Start();
    REQUIRE(before.lock()->TakeSnapshotNow());
    std::this_thread::sleep_for(50ms);  // its health probe waits for the host by now
    CHECK((*reloader)->Reload().ok());
    (*reloader)->Finish();
    const auto still_there = before.lock();
    CHECK((still_there == nullptr || still_there->idle()));
  }
  scene.permanent.reset();  // the gates, last
}

}  // namespace
}  // namespace etcdrill::sidecar
