// Every call, asked of a real etcd of every supported version, and compared with what that
// version's etcdctl says.
#include <chrono>
#include <nlohmann/json.hpp>

#include "crypto/hash.h"
#include "etcd/client.h"
#include "etcd/snapshot_stream.h"
#include "support/catch.h"
#include "support/etcd_cluster.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using testing::ClusterOptions;
using testing::EtcdCluster;
using testing::TestContext;

// What etcdctl prints as JSON, without the warnings that 3.6 puts in front.
nlohmann::json JsonOf(const std::string& output) {
  return nlohmann::json::parse(output.substr(output.rfind("\n[") + 1))[0];
}

void CheckStatus(const EtcdCluster& cluster, const Endpoint& endpoint) {
  const nlohmann::json said =
      JsonOf(cluster.Etcdctl({"endpoint", "status", "-w", "json"}))["Status"];
  const Result<MemberStatus> status = endpoint.Status();
  REQUIRE(status.ok());
  CHECK(status->cluster_id == said["header"]["cluster_id"].get<uint64_t>());
  CHECK(status->member_id == said["header"]["member_id"].get<uint64_t>());
  CHECK(status->revision == said["header"]["revision"].get<int64_t>());
  CHECK(status->version == said["version"].get<std::string>());
  CHECK(status->db_size_bytes == said["dbSize"].get<int64_t>());
  CHECK(status->db_in_use_bytes == said["dbSizeInUse"].get<int64_t>());
  CHECK(status->leader_id == status->member_id);
  CHECK(status->raft_term == said["raftTerm"].get<uint64_t>());
  CHECK(status->raft_index == said["raftIndex"].get<uint64_t>());
  CHECK(status->raft_applied_index > 0);
  CHECK(status->db_quota_bytes == said.value("dbSizeQuota", int64_t{0}));
  CHECK_FALSE(status->is_learner);
  CHECK(status->errors.empty());
}

void CheckMembers(const EtcdCluster& cluster, const Endpoint& endpoint) {
  const Result<Membership> membership = endpoint.MemberList();
  REQUIRE(membership.ok());
  CHECK(membership->cluster_id == endpoint.Status()->cluster_id);
  REQUIRE(membership->members.size() == 1);
  CHECK(membership->members[0].id == endpoint.Status()->member_id);
  CHECK(membership->members[0].name == "m0");
  CHECK(membership->members[0].client_urls == cluster.endpoints());
  CHECK(membership->members[0].peer_urls.size() == 1);
}

void CheckHashKv(const EtcdCluster& cluster, const Endpoint& endpoint) {
  const nlohmann::json said =
      JsonOf(cluster.Etcdctl({"endpoint", "hashkv", "-w", "json"}))["HashKV"];
  const Result<HashKvAnswer> head = endpoint.HashKv(0);
  REQUIRE(head.ok());
  CHECK(head->hash == said["hash"].get<uint32_t>());
  CHECK(head->compact_revision == said["compact_revision"].get<int64_t>());
  CHECK(head->hash_revision == 5);
  CHECK(head->head_revision == 5);
  CHECK(head->member_id == endpoint.Status()->member_id);

  const Result<HashKvAnswer> older = endpoint.HashKv(4);
  REQUIRE(older.ok());
  CHECK(older->hash != head->hash);
  CHECK(older->hash_revision == 4);

  const Result<HashKvAnswer> compacted = endpoint.HashKv(2);
  REQUIRE_FALSE(compacted.ok());
  CHECK(ReasonOf(compacted.status()) == Reason::kEtcdError);
  CHECK_THAT(std::string(MessageOf(compacted.status())),
             Catch::Matchers::ContainsSubstring("has been compacted"));
  CHECK(ReasonOf(endpoint.HashKv(99).status()) == Reason::kEtcdError);
}

void CheckRange(const Endpoint& endpoint) {
  RangeQuery query;
  query.key = "k";
  query.range_end = "l";
  query.limit = 1;
  const Result<RangeAnswer> page = endpoint.Range(query);
  REQUIRE(page.ok());
  CHECK(page->head_revision == 5);
  CHECK(page->count == 2);
  CHECK(page->more);
  REQUIRE(page->kvs.size() == 1);
  CHECK(page->kvs[0].key == "k1");
  CHECK(page->kvs[0].value == "three");
  CHECK(page->kvs[0].create_revision == 2);
  CHECK(page->kvs[0].mod_revision == 4);
  CHECK(page->kvs[0].version == 2);

  query.count_only = true;
  query.serializable = true;
  query.revision = 4;
  const Result<RangeAnswer> count = endpoint.Range(query);
  REQUIRE(count.ok());
  CHECK(count->count == 2);
  CHECK(count->kvs.empty());
}

void CheckSnapshot(const Endpoint& endpoint, const std::string& storage_version) {
  auto stream = endpoint.Snapshot();
  REQUIRE(stream.ok());
  std::string bytes;
  uint64_t total = 0;
  while (true) {
    const Result<std::optional<SnapshotMessage>> message = (*stream)->Next();
    REQUIRE(message.ok());
    if (!message->has_value()) break;
    if (total == 0) total = (*message)->remaining_bytes + (*message)->blob.size();
    bytes += (*message)->blob;
    if (bytes.size() <= total) CHECK((*message)->remaining_bytes == total - bytes.size());
    CHECK((*message)->storage_version == storage_version);
  }
  REQUIRE(bytes.size() == total + Sha256::kSize);
  CHECK(total % 4096 == 0);
  Sha256 sha256;
  sha256.Update(std::string_view(bytes).substr(0, total));
  CHECK(sha256.Finish() == bytes.substr(total));
}

void CheckAllCalls(const std::string& version) {
  TestContext test;
  ClusterOptions options;
  options.version = version;
  const EtcdCluster cluster(test, options);
  cluster.Etcdctl({"put", "k1", "one"});    // revision 2
  cluster.Etcdctl({"put", "k2", "two"});    // 3
  cluster.Etcdctl({"put", "k1", "three"});  // 4
  cluster.Etcdctl({"del", "gone"});         // changes nothing
  cluster.Etcdctl({"put", "other", "x"});   // 5
  cluster.Etcdctl({"compact", "3"});
  const std::unique_ptr<Client> client = cluster.Connect();
  const Endpoint& endpoint = client->endpoints()[0];
  CheckStatus(cluster, endpoint);
  CheckMembers(cluster, endpoint);
  CheckHashKv(cluster, endpoint);
  CheckRange(endpoint);
  // From 3.6 on a young member sets its storage version a moment after it is healthy.
  const std::string storage_version = version >= "3.6" ? version + ".0" : "";
  const Stopwatch watch(test.clock());
  while (endpoint.Status()->storage_version != storage_version && watch.Seconds() < 10)
    test.clock().SleepFor(20ms, {});
  CheckSnapshot(endpoint, storage_version);
  REQUIRE(endpoint.Alarms().ok());
  CHECK(endpoint.Alarms()->empty());

  const size_t hash_kv = static_cast<size_t>(Method::kHashKv);
  CHECK(client->counts().requests[hash_kv] == 4);
  CHECK(client->counts().failures[hash_kv] == 2);
  CHECK(client->counts().requests[static_cast<size_t>(Method::kSnapshot)] == 1);
  CHECK(client->counts().failures[static_cast<size_t>(Method::kSnapshot)] == 0);
}

TEST_CASE("etcd 3.4 answers every call") { CheckAllCalls("3.4"); }
TEST_CASE("etcd 3.5 answers every call") { CheckAllCalls("3.5"); }
TEST_CASE("etcd 3.6 answers every call") { CheckAllCalls("3.6"); }
TEST_CASE("etcd 3.7 answers every call") { CheckAllCalls("3.7"); }

}  // namespace
}  // namespace etcdrill::etcd
