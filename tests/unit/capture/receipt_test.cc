// Who is asked for a receipt, and for what.
#include "capture/receipt.h"

#include <chrono>

#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/slower.h"
#include "support/test_context.h"

namespace etcdrill::capture {
namespace {

using namespace std::chrono_literals;

using etcdrill::testing::FakeEtcd;
using etcdrill::testing::FakeState;
using etcdrill::testing::TestContext;

constexpr uint64_t kCluster = 0xa;

class ReceiptTest {
 public:
  ReceiptTest() {
    uint64_t id = 1;
    for (FakeEtcd* fake : {&first_, &second_}) {
      fake->Set([&](FakeState& s) {
        s.status.cluster_id = kCluster;
        s.status.member_id = id++;
        s.status.leader_id = 1;
        s.hash_kv = {.hash = 7, .compact_revision = 3, .hash_revision = 9};
        s.count = 5;
      });
    }
  }

  std::vector<ReceiptEntry> Collect(std::vector<std::string> endpoints) {
    auto client = etcd::Client::Create({.endpoints = std::move(endpoints),
                                        .dial_timeout = 2s * etcdrill::testing::kSlower,
                                        .command_timeout = 5s * etcdrill::testing::kSlower},
                                       test_.context());
    REQUIRE(client.ok());
    return CollectReceipt(**client, etcd::CallRoll(**client, std::nullopt), 9, 3);
  }

 protected:
  // Another name of the same.
  static std::string Localhost(const FakeEtcd& fake) {
    return "http://localhost" + fake.endpoint().substr(fake.endpoint().rfind(':'));
  }

  TestContext test_;
  FakeEtcd first_;
  FakeEtcd second_;
};

TEST_CASE_METHOD(ReceiptTest, "each member is asked once, for its hash and its number of keys") {
  const auto entries =
      Collect({first_.endpoint(), Localhost(first_), second_.endpoint(), "http://127.0.0.1:1"});
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].member_id == 1);
  CHECK(entries[0].live_keys == 5);
  CHECK(entries[1].member_id == 2);
  CHECK(entries[1].endpoint == second_.endpoint());
  CHECK_FALSE(entries[2].error.empty());
}

TEST_CASE_METHOD(
    ReceiptTest,
    "without the right to read all keys their number is not known, and nothing fails") {
  first_.Set([](FakeState& s) { s.deny_range = true; });
  const auto entries = Collect({first_.endpoint()});
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].error.empty());
  CHECK(entries[0].hash == 7);
  CHECK_FALSE(entries[0].live_keys.has_value());
}

TEST_CASE_METHOD(ReceiptTest, "an endpoint of another cluster is not asked") {
  FakeEtcd other;
  other.Set([](FakeState& s) { s.status.cluster_id = 0xb, s.status.member_id = 9; });
  CHECK(Collect({other.endpoint(), first_.endpoint(), second_.endpoint()}).size() == 2);
}

}  // namespace
}  // namespace etcdrill::capture
