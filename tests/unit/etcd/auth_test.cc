// Users, passwords and tokens, against real etcd of both generations of error texts, and a fake
// whose tokens die on demand.
#include <chrono>
#include <fstream>
#include <thread>

#include "etcd/client.h"
#include "etcd/health.h"
#include "etcd/snapshot_stream.h"
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

std::unique_ptr<Client> ConnectAs(TestContext& test, ConnectionOptions options,
                                  const std::string& username, const std::string& password) {
  options.username = username;
  options.password = password;
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  return *std::move(client);
}

Status FirstOf(const Endpoint& endpoint) {
  auto stream = endpoint.Snapshot();
  REQUIRE(stream.ok());
  return (*stream)->Next().status();
}

void CheckRefused(const Status& status, Reason reason) {
  REQUIRE_FALSE(status.ok());
  CHECK(InfoOf(ReasonOf(status)).name == InfoOf(reason).name);
  CHECK_THAT(std::string(MessageOf(status)), !ContainsSubstring("canary"));
}

void CheckUsers(const std::string& version) {
  TestContext test;
  ClusterOptions options;
  options.version = version;
  const EtcdCluster cluster(test, options);
  const std::unique_ptr<Client> early =
      ConnectAs(test, cluster.connection(), "root", EtcdCluster::kRootPassword);
  CHECK(early->endpoints()[0].HashKv(0).ok());  // auth is not switched on yet

  cluster.EnableAuth();
  CHECK(early->endpoints()[0].HashKv(0).ok());  // now it is
  const std::unique_ptr<Client> late =
      ConnectAs(test, cluster.connection(), "root", EtcdCluster::kRootPassword);
  CHECK(FirstOf(late->endpoints()[0]).ok());

  const std::unique_ptr<Client> app =
      ConnectAs(test, cluster.connection(), "app", EtcdCluster::kAppPassword);
  const Endpoint& as_app = app->endpoints()[0];
  CheckRefused(as_app.HashKv(0).status(), Reason::kPermission);
  CheckRefused(FirstOf(as_app), Reason::kPermission);
  CHECK_THAT(std::string(MessageOf(FirstOf(as_app))), ContainsSubstring("need the role root"));
  RangeQuery query;
  query.key = "app/1";
  CHECK(as_app.Range(query).ok());
  query.key = "elsewhere";
  CheckRefused(as_app.Range(query).status(), Reason::kPermission);
  CHECK(ProbeHealth(as_app, test.clock()).healthy);  // the refused read went through the cluster

  const std::unique_ptr<Client> nobody = cluster.Connect();
  CheckRefused(nobody->endpoints()[0].HashKv(0).status(), Reason::kAuth);
  CheckRefused(FirstOf(nobody->endpoints()[0]), Reason::kAuth);
  CHECK_FALSE(ProbeHealth(nobody->endpoints()[0], test.clock()).healthy);
  const std::unique_ptr<Client> wrong = ConnectAs(test, cluster.connection(), "root", "canary");
  CheckRefused(wrong->endpoints()[0].HashKv(0).status(), Reason::kAuth);
  CheckRefused(FirstOf(wrong->endpoints()[0]), Reason::kAuth);

  cluster.Etcdctl({"--user", std::string("root:") + EtcdCluster::kRootPassword, "auth", "disable"});
  CHECK(late->endpoints()[0].HashKv(0).ok());
  CHECK(nobody->endpoints()[0].HashKv(0).ok());
}

TEST_CASE("users and roles of etcd 3.4") { CheckUsers("3.4"); }
TEST_CASE("users and roles of etcd 3.5") { CheckUsers("3.5"); }
TEST_CASE("users and roles of etcd 3.6") { CheckUsers("3.6"); }

TEST_CASE("an expired token is renewed inside the call") {
  TestContext test;
  ClusterOptions options;
  options.arguments = {"--auth-token-ttl=1"};
  const EtcdCluster cluster(test, options);
  cluster.EnableAuth();
  const std::unique_ptr<Client> client =
      ConnectAs(test, cluster.connection(), "root", EtcdCluster::kRootPassword);
  const Endpoint& endpoint = client->endpoints()[0];
  CHECK(endpoint.HashKv(0).ok());
  std::this_thread::sleep_for(2500ms);  // the one way to let a real token die
  CHECK(endpoint.HashKv(0).ok());
  CHECK(FirstOf(endpoint).ok());
}

TEST_CASE("a token that a restart has made unknown is renewed") {
  TestContext test;
  EtcdCluster cluster(test, {});
  cluster.EnableAuth();
  const std::unique_ptr<Client> client =
      ConnectAs(test, cluster.connection(), "root", EtcdCluster::kRootPassword);
  CHECK(client->endpoints()[0].HashKv(0).ok());
  cluster.Stop(0, 0s);
  cluster.Start(0);
  while (!client->endpoints()[0].Status().ok()) test.clock().SleepFor(10ms, {});
  CHECK(FirstOf(client->endpoints()[0]).ok());
}

TEST_CASE("a refused token costs one login, for calls and streams alike") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) {
    state.username = "root";
    state.password = "canary";
    state.snapshot = testing::GoodSnapshot(std::string(100, 'x'));
  });
  ConnectionOptions options;
  options.endpoints = {fake.endpoint()};
  const std::unique_ptr<Client> client = ConnectAs(test, options, "root", "canary");
  const Endpoint& endpoint = client->endpoints()[0];
  CHECK(endpoint.Status().ok());
  CHECK(endpoint.HashKv(0).ok());
  CHECK(fake.logins() == 1);
  fake.ForgetTokens();
  CHECK(endpoint.HashKv(0).ok());
  CHECK(fake.logins() == 2);
  fake.ForgetTokens();
  CHECK(FirstOf(endpoint).ok());
  CHECK(fake.logins() == 3);
  CHECK(fake.writes() == 0);

  fake.Set([](FakeState& state) { state.password = "changed"; });
  fake.ForgetTokens();
  CheckRefused(endpoint.Status().status(), Reason::kAuth);
  CheckRefused(FirstOf(endpoint), Reason::kAuth);
  CHECK(fake.logins() == 5);
}

TEST_CASE("a member that refuses every token costs no other its own") {
  TestContext test;
  FakeEtcd good;
  FakeEtcd refusing;
  for (FakeEtcd* fake : {&good, &refusing}) {
    fake->Set([](FakeState& state) { state.username = "root", state.password = "canary"; });
  }
  refusing.Set([](FakeState& state) { state.refuse_tokens = true; });
  ConnectionOptions options;
  options.endpoints = {refusing.endpoint(), good.endpoint()};
  const std::unique_ptr<Client> client = ConnectAs(test, options, "root", "canary");
  for (int round = 0; round < 3; ++round) {
    CheckRefused(client->endpoints()[0].Status().status(), Reason::kAuth);
    CHECK(client->endpoints()[1].Status().ok());
    CHECK(FirstOf(client->endpoints()[1]).ok());
  }
  CHECK(good.logins() == 1);
}

TEST_CASE("a token that no header can hold is refused") {
  TestContext test;
  FakeEtcd fake;
  const std::string token =
      GENERATE(std::string("line\nbreak"), std::string(9000, 'x'), std::string("\xc3\xa9"));
  fake.Set([&](FakeState& state) {
    state.username = "root", state.password = "canary", state.token = token;
  });
  ConnectionOptions options;
  options.endpoints = {fake.endpoint()};
  const std::unique_ptr<Client> client = ConnectAs(test, options, "root", "canary");
  CHECK(ReasonOf(client->endpoints()[0].Status().status()) == Reason::kEtcdError);
}

TEST_CASE("the password file is read at each login, without its last newline") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) { state.username = "root", state.password = "first"; });
  ConnectionOptions options;
  options.endpoints = {fake.endpoint()};
  options.password_file = test.Path("password");
  std::ofstream(options.password_file) << "first\n";
  const std::unique_ptr<Client> client = ConnectAs(test, options, "root", "");
  const Endpoint& endpoint = client->endpoints()[0];
  CHECK(endpoint.Status().ok());

  fake.Set([](FakeState& state) { state.password = "second"; });
  fake.ForgetTokens();
  std::ofstream(options.password_file) << "second\n";
  CHECK(endpoint.Status().ok());

  fake.ForgetTokens();
  REQUIRE(test.fs().Unlink(options.password_file).ok());
  CheckRefused(endpoint.Status().status(), Reason::kAuth);
}

}  // namespace
}  // namespace etcdrill::etcd
