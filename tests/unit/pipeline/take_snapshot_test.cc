// What a snapshot is compared with when it comes into a store.
#include "pipeline/take_snapshot.h"

#include "catalog/follower.h"
#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using testing::FakeEtcd;
using testing::FakeState;

struct Store {
  Store() {
    std::string database = testing::ReadFile(testing::SnapshotPath("e3530-empty"));
    database.resize(database.size() - 32);  // a member streams the trailer by itself
    etcd.Set([&](FakeState& s) {
      s.status.member_id = s.status.leader_id = 1;
      s.status.cluster_id = 2;
      s.status.db_size_bytes = static_cast<int64_t>(database.size());
      s.snapshot = testing::GoodSnapshot(database);
    });
  }
  Manifest Take(
      const std::string& cluster, OnProgress meanwhile = [](uint64_t, uint64_t) {}) {
    const auto client = etcd::Client::Create({.endpoints = {etcd.endpoint()}}, test.context());
    REQUIRE(client.ok());
    catalog::Follower catalog(*store, cluster);
    const auto outcome = TakeSnapshot(test.context(),
                                      {.client = **client,
                                       .catalog = catalog,
                                       .cluster = cluster,
                                       .on_progress = std::move(meanwhile)},
                                      *store);
    REQUIRE(outcome.ok());
    return outcome->manifest;
  }

  FakeEtcd etcd;
  testing::TestContext test;
  std::unique_ptr<store::LocalStore> store =
      *store::LocalStore::Open(test.context(), test.Path("store"));
};

TEST_CASE("a snapshot is held to the store as it is when it has come") {
  Store stored;
  const Manifest first = stored.Take("c");
  CHECK_FALSE(first.lineage.has_value());
  SECTION("with the one before it") {
    const Manifest second = stored.Take("c");
    REQUIRE(second.lineage.has_value());
    CHECK(second.lineage->older == first.name);
  }
  SECTION("not with one that was found damaged while it came") {
    const Manifest second = stored.Take("c", [&](uint64_t, uint64_t) {
      const auto record = [](Checks& checks) { checks.FoundDamaged(WallTime(), "a bit"); };
      CHECK(stored.store->UpdateChecks(first.name, record).ok());
    });
    CHECK_FALSE(second.lineage.has_value());
  }
}

TEST_CASE("no two snapshots of a store have one place, whatever cluster they are of") {
  Store stored;
  CHECK(stored.Take("a").place == 1);
  CHECK(stored.Take("b").place == 2);
  CHECK(stored.Take("a").place == 3);
}

}  // namespace
}  // namespace etcdrill::pipeline
