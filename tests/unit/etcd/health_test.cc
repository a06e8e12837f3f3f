#include "etcd/health.h"

#include "etcd/client.h"
#include "etcd/scratch_client.h"
#include "support/catch.h"
#include "support/etcd_cluster.h"
#include "support/fake_etcd.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using testing::ClusterOptions;
using testing::EtcdCluster;
using testing::FakeEtcd;
using testing::FakeState;
using testing::TestContext;

TEST_CASE("a healthy member") {
  TestContext test;
  const EtcdCluster cluster(test, {});
  const HealthProbe probe = ProbeHealth(cluster.Connect()->endpoints()[0], test.clock());
  CHECK(probe.healthy);
  CHECK(probe.problem == "");
  CHECK(probe.latency > 0s);
  REQUIRE(probe.status.has_value());
  CHECK(probe.status->leader_id == probe.status->member_id);
  CHECK(probe.alarms.empty());
}

TEST_CASE("a member with a NOSPACE alarm") {
  TestContext test;
  ClusterOptions options;
  options.arguments = {"--quota-backend-bytes=100000"};
  const EtcdCluster cluster(test, options);
  // The put that goes over the quota is refused and raises the alarm.
  cluster.EtcdctlFails({"put", "a", std::string(100'000, 'x')});
  const std::unique_ptr<Client> client = cluster.Connect();
  HealthProbe probe;
  const Stopwatch watch(test.clock());
  while (watch.Elapsed() < 5s && probe.alarms.empty())
    probe = ProbeHealth(client->endpoints()[0], test.clock());
  CHECK_FALSE(probe.healthy);
  REQUIRE(probe.alarms.size() == 1);
  CHECK(probe.alarms[0].type == AlarmType::kNoSpace);
  CHECK_THAT(probe.problem, ContainsSubstring("NOSPACE"));
  CHECK(probe.status.has_value());
}

TEST_CASE("a member alone of three has no leader, and says so without waiting") {
  TestContext test;
  ClusterOptions options;
  options.members = 3;
  EtcdCluster cluster(test, options);
  ConnectionOptions connection = cluster.connection();
  connection.command_timeout = 500ms;
  const std::unique_ptr<Client> client = *Client::Create(connection, test.context());
  CHECK(ProbeHealth(client->endpoints()[2], test.clock()).healthy);
  cluster.Stop(0, 0s);
  cluster.Stop(1, 0s);
  HealthProbe probe;
  const Stopwatch watch(test.clock());
  do {
    probe = ProbeHealth(client->endpoints()[2], test.clock());
  } while (watch.Elapsed() < 10s && !(probe.status.has_value() && probe.status->leader_id == 0));
  CHECK_FALSE(probe.healthy);
  CHECK_THAT(probe.problem, ContainsSubstring("has no leader"));
  CHECK(probe.latency < 1s);
  const HealthProbe dead = ProbeHealth(client->endpoints()[0], test.clock());
  CHECK_FALSE(dead.healthy);
  CHECK_FALSE(dead.status.has_value());
  CHECK_THAT(dead.problem, ContainsSubstring("Connection refused"));
}

TEST_CASE("a learner is judged by its own status") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) {
    state.status.is_learner = true;
    state.status.leader_id = 7;
    state.alarms = {{1, AlarmType::kCorrupt}};  // which a learner would not tell
  });
  ConnectionOptions options;
  options.endpoints = {fake.endpoint()};
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  const Endpoint& endpoint = (*client)->endpoints()[0];
  CHECK(ProbeHealth(endpoint, test.clock()).healthy);
  fake.Set([](FakeState& state) { state.status.errors = {"memberID:1 alarm:CORRUPT "}; });
  const HealthProbe probe = ProbeHealth(endpoint, test.clock());
  CHECK_FALSE(probe.healthy);
  CHECK_THAT(probe.problem, ContainsSubstring("CORRUPT"));
}

}  // namespace
}  // namespace etcdrill::etcd
