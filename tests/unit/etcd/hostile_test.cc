// A member that says what no honest one would: long texts, control characters, endless lists,
// absurd sizes.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>

#include "etcd/client.h"
#include "etcd/errors.h"
#include "etcd/health.h"
#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/test_context.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using testing::FakeEtcd;
using testing::FakeState;
using testing::TestContext;

bool IsHarmless(const std::string& text) {
  return text.size() <= 1100 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::unique_ptr<Client> Connect(TestContext& test, const FakeEtcd& fake) {
  ConnectionOptions options;
  options.endpoints = {fake.endpoint()};
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  return *std::move(client);
}

TEST_CASE("what a server says is short and has no control characters") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) {
    state.status.leader_id = 7;
    state.status.version = "3.5.30\x1b[2J\nfoo" + std::string(8 << 20, 'v');
    state.status.storage_version = "3.6\xc2\x9b";
    state.status.errors.assign(10'000, "\r\x07");
    state.membership.members.assign(10'000, {.id = 1, .name = "\x1b]0;x", .peer_urls = {"a\tb"}});
    state.alarms.assign(10'000, {1, AlarmType::kCorrupt});
  });
  const std::unique_ptr<Client> client = Connect(test, fake);
  const Endpoint& endpoint = client->endpoints()[0];
  const auto status = endpoint.Status();
  REQUIRE(status.ok());
  CHECK(status->version.starts_with("3.5.30\\x1b[2J\\x0afoo"));
  CHECK(IsHarmless(status->version));
  CHECK(status->storage_version == "3.6\\xc2\\x9b");
  CHECK(status->errors.size() == 10);
  CHECK(IsHarmless(status->errors[0]));
  const auto membership = endpoint.MemberList();
  REQUIRE(membership.ok());
  CHECK(membership->members.size() == 100);
  CHECK(IsHarmless(membership->members[0].name));
  CHECK(IsHarmless(membership->members[0].peer_urls[0]));
  const HealthProbe probe = ProbeHealth(endpoint, test.clock());
  CHECK_FALSE(probe.healthy);
  CHECK(probe.problem.size() < 10'000);
}

TEST_CASE("the text of an error of a server is short and has no control characters") {
  TestContext test;
  FakeEtcd fake;
  const std::unique_ptr<Client> client = Connect(test, fake);
  const auto channel = grpc::CreateChannel("ipv4:127.0.0.1:1", grpc::InsecureChannelCredentials());
  const Address address{.written = "http://e", .target = "ipv4:127.0.0.1:1"};
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::UNKNOWN,
                          grpc::StatusCode::UNIMPLEMENTED}) {
    for (const char* begin : {"", "etcdserver: ", "last error: x: y: "}) {
      const grpc::Status status(code, begin + ("\x1b[31m\n" + std::string(100'000, 'e')));
      CHECK(IsHarmless(std::string(MessageOf(FromGrpc(status, address, "Status", channel, {})))));
    }
  }
}

TEST_CASE("sizes that no database has") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) {
    state.status.db_size_bytes = -1;
    state.status.db_in_use_bytes = INT64_MIN;
    state.status.db_quota_bytes = -7;
  });
  const auto status = Connect(test, fake)->endpoints()[0].Status();
  REQUIRE(status.ok());
  CHECK(status->db_size_bytes == 0);
  CHECK(status->db_in_use_bytes == 0);
  CHECK(status->db_quota_bytes == 0);

  CHECK(HashTime(20 << 10) == 0s);
  CHECK(HashTime(int64_t{1} << 30) == 40s);
  CHECK(HashTime(int64_t{1} << 57) == 30min);
  CHECK(HashTime(INT64_MAX) == 30min);
}

}  // namespace
}  // namespace etcdrill::etcd
