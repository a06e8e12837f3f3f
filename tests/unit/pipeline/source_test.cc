// What is asked of the source beside snapshots, where one endpoint leads to another cluster and one
// member lags.
#include "catalog/catalog.h"
#include "crosscheck/live_head.h"
#include "pipeline/run_drill.h"
#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::FakeEtcd;
using etcdrill::testing::FakeState;
using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

constexpr uint64_t kOurs = 0xa;
constexpr uint64_t kOther = 0xb;

class SourceTest {
 public:
  SourceTest() {
    Set(other_, kOther, 9, 5000);
    Set(lagging_, kOurs, 1, 90);
    Set(newest_, kOurs, 2, 100);
    auto client = etcd::Client::Create(
        {.endpoints = {other_.endpoint(), lagging_.endpoint(), newest_.endpoint()}},
        test_.context());
    REQUIRE(client.ok());
    client_ = *std::move(client);
  }

 protected:
  static void Set(FakeEtcd& fake, uint64_t cluster_id, uint64_t member_id, int64_t revision) {
    fake.Set([&](FakeState& s) {
      s.status.cluster_id = cluster_id;
      s.status.member_id = s.status.leader_id = member_id;
      s.status.revision = revision;
      s.status.db_size_bytes = revision * 1000;
    });
  }

  TestContext test_;
  FakeEtcd other_;
  FakeEtcd lagging_;
  FakeEtcd newest_;
  std::unique_ptr<etcd::Client> client_;
};

TEST_CASE_METHOD(SourceTest,
                 "the advice for a restore is of our cluster, and of its newest member") {
  for (const std::optional<uint64_t> known : {std::optional<uint64_t>(), std::optional(kOurs)}) {
    const auto now = AskSource(*client_, known);
    REQUIRE(now.ok());
    CHECK(now->revision == 100);
    CHECK(now->db_bytes == 100'000);
  }
  CHECK(AskSource(*client_, kOther)->revision == 5000);
  Set(newest_, kOther, 8, 100);
  Set(lagging_, 0xc, 1, 90);
  CHECK(AskSource(*client_, std::nullopt)->revision == 5000);
  Set(newest_, 0xd, 8, 100);
  CHECK(ReasonOf(AskSource(*client_, std::nullopt).status()) == Reason::kOtherCluster);
}

TEST_CASE_METHOD(SourceTest, "whether the source is unchanged is not for another cluster to say") {
  catalog::Catalog catalog;
  catalog::CatalogEntry& entry = catalog.snapshots.emplace_back();
  entry.manifest.cluster = "c";
  entry.manifest.cluster_id = "a";
  entry.manifest.verdict = Verdict::kProven;
  entry.manifest.revision = 90;
  entry.manifest.taken = WallTime(1000s);
  entry.manifest.compact_revision = 50;
  entry.manifest.hashkv = 7;
  lagging_.Set([](FakeState& s) {
    s.hash_kv = {.cluster_id = kOurs,
                 .member_id = 1,
                 .hash = 7,
                 .compact_revision = 50,
                 .hash_revision = 90};
    s.count = 0;
  });
  const auto same = [&] {
    return crosscheck::FindUnchanged(catalog, *client_, "c", 1h, WallTime(1100s)) != nullptr;
  };
  CHECK(same());  // the first that is ours says so
  // The same revision is not the same data.
  const auto changed = [&](auto&& change) {
    const etcd::HashKvAnswer answer = {.cluster_id = kOurs,
                                       .member_id = 1,
                                       .hash = 7,
                                       .compact_revision = 50,
                                       .hash_revision = 90};
    lagging_.Set([&](FakeState& s) { change(s); });
    const bool is_same = same();
    lagging_.Set([&](FakeState& s) {
      s.hash_kv = answer;
      s.count = 0;
    });
    return !is_same;
  };
  CHECK(changed([](FakeState& s) { s.hash_kv.hash = 8; }));
  CHECK(changed([](FakeState& s) { s.hash_kv.hash_revision = 91; }));
  CHECK(changed([](FakeState& s) { s.count = 1; }));
  // One that has compacted since answers another hash: it is known if the receipt has it.
  const auto compacted = [](FakeState& s) {
    s.hash_kv.compact_revision = 60;
    s.hash_kv.hash = 9;
  };
  CHECK(changed(compacted));
  entry.manifest.receipt = {{.member_id = "2",
                             .hash = 9,
                             .revision = 90,
                             .compact_revision = 60,
                             .result = Comparison::kDiffers}};
  CHECK(changed(compacted));
  entry.manifest.receipt[0].result = Comparison::kEqual;
  CHECK_FALSE(changed(compacted));
  CHECK(same());
  Set(lagging_, kOurs, 1, 91);
  CHECK_FALSE(same());
  entry.manifest.revision = 5000;
  CHECK_FALSE(same());  // what the other cluster is at
}

}  // namespace
}  // namespace etcdrill::pipeline
