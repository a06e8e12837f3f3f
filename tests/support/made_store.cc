// Encodes by the generated protobuf classes, not by the code under test.
#include "support/made_store.h"

#include "base/bytes.h"
#include "format/bbolt/writer.h"
#include "proto/leasepb.pb.h"
#include "proto/mvccpb.pb.h"
#include "support/catch.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

std::string BigEndian(uint64_t number) {
  std::string bytes;
  AppendBE64(bytes, number);
  return bytes;
}

int64_t MainOf(const std::string& row_key) {
  return static_cast<int64_t>(LoadBE64(row_key.data()));
}

}  // namespace

MadeStore::MadeStore() {
  for (const char* name : {"alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease",
                           "members", "members_removed", "meta"}) {
    buckets[name];
  }
  buckets["meta"]["consistent_index"] = BigEndian(100);
  buckets["meta"]["term"] = BigEndian(2);
  buckets["cluster"]["clusterVersion"] = "3.5.0";
  buckets["members"]["a1"] = R"({"id":161,"peerURLs":["http://10.0.0.1:2380"],"name":"m1",)"
                             R"("clientURLs":["http://10.0.0.1:2379"]})";
}

int64_t MadeStore::Put(const std::string& key, const std::string& value, int64_t lease) {
  ++revision_;
  Key& state = keys_[key];
  if (state.version++ == 0) state.create = revision_;
  rows()[RowKey(revision_)] = RowValue(key, value, state.create, revision_, state.version, lease);
  return revision_;
}

int64_t MadeStore::Delete(const std::string& key) {
  ++revision_;
  keys_.erase(key);
  mvccpb::KeyValue kv;
  kv.set_key(key);
  rows()[RowKey(revision_, true)] = kv.SerializeAsString();
  return revision_;
}

void MadeStore::Compact(int64_t revision) {
  std::map<std::string, std::string> newest;  // of each user key, its row up to the revision
  for (const auto& [row, value] : rows()) {
    if (MainOf(row) > revision) break;
    mvccpb::KeyValue kv;
    REQUIRE(kv.ParseFromString(value));
    newest[kv.key()] = row;
  }
  std::erase_if(rows(), [&](const auto& item) {
    const auto& [row, value] = item;
    if (MainOf(row) > revision) return false;
    mvccpb::KeyValue kv;
    REQUIRE(kv.ParseFromString(value));
    const bool tombstone = row.size() == 18;
    return newest[kv.key()] != row || (tombstone && MainOf(row) < revision);
  });
  buckets["meta"]["scheduledCompactRev"] = RowKey(revision);
  buckets["meta"]["finishedCompactRev"] = RowKey(revision);
}

void MadeStore::AddLease(int64_t id) {
  leasepb::Lease lease;
  lease.set_id(id);
  lease.set_ttl(60);
  buckets["lease"][BigEndian(static_cast<uint64_t>(id))] = lease.SerializeAsString();
}

std::string MadeStore::RowKey(int64_t main, bool tombstone, int64_t sub) {
  return BigEndian(static_cast<uint64_t>(main)) + "_" + BigEndian(static_cast<uint64_t>(sub)) +
         (tombstone ? "t" : "");
}

std::string MadeStore::RowValue(const std::string& key, const std::string& value, int64_t create,
                                int64_t mod, int64_t version, int64_t lease) {
  mvccpb::KeyValue kv;
  kv.set_key(key);
  kv.set_value(value);
  kv.set_create_revision(create);
  kv.set_mod_revision(mod);
  kv.set_version(version);
  kv.set_lease(lease);
  return kv.SerializeAsString();
}

std::string MadeStore::Bytes(TestContext& test, uint32_t page_size) {
  const std::string path = test.Path("made.db");
  (void)test.fs().Unlink(path);
  REQUIRE(bbolt::CreateDatabase(test.fs(), path, page_size, buckets).ok());
  return WithRightTrailer(ReadFile(path) + std::string(32, '\0'));
}

}  // namespace etcdrill::testing
