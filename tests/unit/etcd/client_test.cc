// Several endpoints, dead and hanging ones, restarts, deadlines and stop requests.
#include "etcd/client.h"

#include <chrono>
#include <thread>

#include "etcd/snapshot_stream.h"
#include "support/catch.h"
#include "support/etcd_cluster.h"
#include "support/fake_etcd.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using testing::EtcdCluster;
using testing::FakeEtcd;
using testing::FakeState;
using testing::TestContext;

std::string DeadEndpoint() { return "http://127.0.0.1:" + std::to_string(testing::FreePort()); }

std::unique_ptr<Client> Connect(TestContext& test, std::vector<std::string> endpoints) {
  ConnectionOptions options;
  options.endpoints = std::move(endpoints);
  options.dial_timeout = 500ms;
  options.command_timeout = 1s;
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  return *std::move(client);
}

template <typename T>
Reason FailureOf(const Result<T>& result) {
  REQUIRE_FALSE(result.ok());
  return ReasonOf(result.status());
}

Result<MemberStatus> AnyStatus(Client& client) {
  return client.Any([](const Endpoint& endpoint) { return endpoint.Status(); });
}

TEST_CASE("a client needs an endpoint") {
  TestContext test;
  CHECK(FailureOf(Client::Create({}, test.context())) == Reason::kUsage);
}

TEST_CASE("dead endpoints are passed over, and the one that answered is asked first next time") {
  TestContext test;
  FakeEtcd fake;
  const std::unique_ptr<Client> client =
      Connect(test, {DeadEndpoint(), DeadEndpoint(), fake.endpoint()});
  const size_t status = static_cast<size_t>(Method::kStatus);
  CHECK(AnyStatus(*client).ok());
  CHECK(client->counts().failures[status] == 2);
  CHECK(AnyStatus(*client).ok());
  CHECK(client->counts().failures[status] == 2);
  CHECK(client->counts().requests[status] == 4);
}

TEST_CASE("when nobody answers, the error says how many were asked") {
  TestContext test;
  const std::unique_ptr<Client> client = Connect(test, {DeadEndpoint(), DeadEndpoint()});
  const Result<MemberStatus> status = AnyStatus(*client);
  REQUIRE_FALSE(status.ok());
  CHECK(FailureOf(status) == Reason::kConnect);
  CHECK_THAT(std::string(MessageOf(status.status())), ContainsSubstring("none of 2 endpoints"));
  CHECK_THAT(std::string(MessageOf(status.status())), ContainsSubstring("Connection refused"));
}

TEST_CASE(
    "what one endpoint refuses another may allow; if all refuse, that is told and not who is "
    "down") {
  TestContext test;
  FakeEtcd refusing;
  refusing.Set([](FakeState& state) { state.username = "root"; });
  FakeEtcd open;
  const size_t status = static_cast<size_t>(Method::kStatus);
  const std::unique_ptr<Client> client = Connect(test, {refusing.endpoint(), open.endpoint()});
  CHECK(AnyStatus(*client).ok());
  CHECK(client->counts().failures[status] == 1);

  open.Set([](FakeState& state) { state.username = "root"; });
  const std::unique_ptr<Client> all =
      Connect(test, {refusing.endpoint(), open.endpoint(), DeadEndpoint()});
  CHECK(FailureOf(AnyStatus(*all)) == Reason::kAuth);
  CHECK(all->counts().requests[status] == 3);
}

TEST_CASE("what no endpoint can cure is not asked of another") {
  TestContext test;
  FakeEtcd fake;
  const std::unique_ptr<Client> client = Connect(test, {fake.endpoint(), fake.endpoint()});
  int asked = 0;
  const Status status = client->Any([&](const Endpoint&) {
    ++asked;
    return Error(Reason::kDamaged, "wrong");
  });
  CHECK(ReasonOf(status) == Reason::kDamaged);
  CHECK(asked == 1);
}

// Within the longest time between two attempts to connect, and an attempt.
bool AnswersSoon(TestContext& test, const Endpoint& endpoint) {
  const ConnectionOptions defaults;
  const Stopwatch watch(test.clock());
  bool answers = endpoint.Status().ok();
  while (!answers && watch.Elapsed() < defaults.reconnect_every * 3 / 2 + defaults.dial_timeout) {
    test.clock().SleepFor(20ms, {});
    answers = endpoint.Status().ok();
  }
  return answers;
}

TEST_CASE(
    "an endpoint that comes back answers again, over a connection of its own or a broken one") {
  TestContext test;
  EtcdCluster cluster(test, {});
  const std::unique_ptr<Client> client = Connect(test, cluster.endpoints());
  const Endpoint& endpoint = client->endpoints()[0];
  for (int round = 0; round < 3; ++round) {
    CHECK(AnswersSoon(test, endpoint));
    cluster.Stop(0, round == 0 ? 5s : 0s);
    if (round == 1) CHECK(FailureOf(endpoint.Status()) == Reason::kConnect);
    cluster.Start(0);
    cluster.WaitUntilHealthy();  // with a client of its own
  }
  CHECK(AnswersSoon(test, endpoint));
}

TEST_CASE("an idle client does not hold up the shutdown of a member") {
  TestContext test;
  EtcdCluster cluster(test, {});
  const std::unique_ptr<Client> client = Connect(test, cluster.endpoints());
  CHECK(client->endpoints()[0].Status().ok());
  const Stopwatch watch(test.clock());
  cluster.Stop(0, 10s);
  CHECK(watch.Elapsed() < 4s);
}

TEST_CASE("a member that hangs is given up in time, connected or not") {
  TestContext test;
  EtcdCluster cluster(test, {});
  const std::unique_ptr<Client> connected = Connect(test, cluster.endpoints());
  CHECK(connected->endpoints()[0].Status().ok());
  cluster.Pause(0);

  const Stopwatch command(test.clock());
  CHECK(FailureOf(connected->endpoints()[0].Status()) == Reason::kTimeout);
  CHECK(command.Elapsed() > 900ms);
  CHECK(command.Elapsed() < 3s);

  ConnectionOptions options = cluster.connection();
  options.dial_timeout = 300ms;
  const auto fresh = *Client::Create(options, test.context());
  const Stopwatch dial(test.clock());
  CHECK(FailureOf(fresh->endpoints()[0].Status()) == Reason::kConnect);
  CHECK(dial.Elapsed() > 200ms);
  CHECK(dial.Elapsed() < 750ms);

  // A call that gives up first leaves a connection half made, with which the next one goes on.
  options.dial_timeout = 600ms;
  options.command_timeout = 400ms;
  const auto impatient = *Client::Create(options, test.context());
  const Result<MemberStatus> early = impatient->endpoints()[0].Status();
  CHECK(FailureOf(early) == Reason::kConnect);
  CHECK_THAT(std::string(MessageOf(early.status())), ContainsSubstring("not connected in time"));
  CHECK(FailureOf(impatient->endpoints()[0].Status()) == Reason::kConnect);

  cluster.Resume(0);
  CHECK(AnswersSoon(test, fresh->endpoints()[0]));
  CHECK(AnswersSoon(test, connected->endpoints()[0]));
}

TEST_CASE("a stop request ends a hanging call at once, and every later one before it begins") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) { state.hang = true; });
  const std::unique_ptr<Client> client = Connect(test, {fake.endpoint()});
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    test.stop().request_stop();
  });
  const Stopwatch watch(test.clock());
  CHECK(FailureOf(AnyStatus(*client)) == Reason::kInterrupted);
  CHECK(FailureOf(AnyStatus(*client)) == Reason::kInterrupted);
  CHECK(watch.Elapsed() < 900ms);
}

TEST_CASE("nothing that the client can do is a write") {
  TestContext test;
  FakeEtcd fake;
  const std::unique_ptr<Client> client = Connect(test, {fake.endpoint()});
  const Endpoint& endpoint = client->endpoints()[0];
  CHECK(endpoint.Status().ok());
  CHECK(endpoint.MemberList().ok());
  CHECK(endpoint.HashKv(0).ok());
  CHECK(endpoint.Alarms().ok());
  CHECK(endpoint.Range({}).ok());
  CHECK((*endpoint.Snapshot())->Next().ok());
  CHECK(fake.writes() == 0);
}

TEST_CASE("a client may be used from many threads") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) { state.username = "root", state.password = "secret"; });
  ConnectionOptions options;
  options.endpoints = {DeadEndpoint(), fake.endpoint()};
  options.username = "root";
  options.password = "secret";
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  CHECK(AnyStatus(**client).ok());
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        for (int call = 0; call < 25; ++call) {
          if (i == 0 && call == 10) fake.ForgetTokens();
          if (AnyStatus(**client).ok()) ++good;
        }
      });
    }
  }
  CHECK(good == 8 * 25);
}

}  // namespace
}  // namespace etcdrill::etcd
