// What lies where: the sums fit the verifier's on real snapshots, groups have the names that an SRE
// knows, memory is bounded, and no value gets out.
#include "verify/inventory.h"

#include <algorithm>
#include <map>

#include "format/bbolt/writer.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"
#include "proto/mvccpb.pb.h"
#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

using etcdrill::testing::OpenFile;
using etcdrill::testing::SnapshotNames;
using etcdrill::testing::SnapshotPath;
using etcdrill::testing::TestContext;

// One put for each pair, in order; an empty value is a delete.
Inventory InventoryOf(const std::vector<std::pair<std::string, std::string>>& writes,
                      std::optional<int64_t> compacted = std::nullopt) {
  TestContext test;
  bbolt::BucketContent rows;
  int64_t main = 1;
  for (const auto& [key, value] : writes) {
    mvccpb::KeyValue kv;
    kv.set_key(key);
    kv.set_value(value);
    rows[mvcc::EncodeRevision({.main = ++main, .tombstone = value.empty()})] =
        kv.SerializeAsString();
  }
  bbolt::BucketContent meta;
  if (compacted.has_value()) {
    for (const std::string_view key : {mvcc::kScheduledCompactKey, mvcc::kFinishedCompactKey}) {
      meta[std::string(key)] = mvcc::EncodeRevision({.main = *compacted});
    }
  }
  const std::string path = test.Path("made.db");
  REQUIRE(bbolt::CreateDatabase(
              test.fs(), path, 4096,
              {{std::string(mvcc::kKeyBucket), rows}, {std::string(mvcc::kMetaBucket), meta}})
              .ok());
  const auto inventory = TakeInventory(test.context(), OpenFile(test.context(), path));
  REQUIRE(inventory.ok());
  return *inventory;
}

const InventoryGroup& Find(const std::vector<InventoryGroup>& groups, std::string_view name) {
  const auto at =
      std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.name == name; });
  CAPTURE(name);
  REQUIRE(at != groups.end());
  return *at;
}

TEST_CASE("the sums of every real snapshot are the verifier's") {
  TestContext test;
  const std::string name = GENERATE(from_range(SnapshotNames()));
  CAPTURE(name);
  const auto report = Verify(test.context(), OpenFile(test.context(), SnapshotPath(name)));
  const auto inventory =
      TakeInventory(test.context(), OpenFile(test.context(), SnapshotPath(name)));
  REQUIRE(inventory.ok());
  CHECK(inventory->total.live_keys == report->keyspace->live_keys);
  uint64_t keys = 0;
  uint64_t revisions = 0;
  uint64_t bytes = 0;
  for (const InventoryGroup& g : inventory->prefixes) {
    keys += g.live_keys;
    revisions += g.revisions;
    bytes += g.bytes;
  }
  CHECK(keys == inventory->total.live_keys);
  CHECK(revisions == inventory->total.revisions);
  CHECK(bytes == inventory->total.bytes);
}

TEST_CASE("prefixes are directories, resources are those of Kubernetes") {
  CHECK(PrefixOf("/registry/pods/ns/name") == "/registry/pods");
  CHECK(PrefixOf("/registry/health") == "/registry");
  CHECK(PrefixOf("a/b/c") == "a/b");
  CHECK(PrefixOf("flat").empty());
  CHECK(PrefixOf("").empty());
  CHECK(ResourceOf("/registry/pods/ns/name") == "pods");
  CHECK(ResourceOf("/registry/cert-manager.io/certificates/ns/name") ==
        "cert-manager.io/certificates");
  CHECK(ResourceOf("/registry/services/endpoints/ns/name") == "services/endpoints");
  CHECK(ResourceOf("/registry/health").empty());
  CHECK(ResourceOf("/other/pods/a").empty());
}

TEST_CASE("a key lives by its newest row, before and after a compaction") {
  const Inventory whole = InventoryOf(
      {{"/a/b/1", "v"}, {"/a/b/1", "vv"}, {"/a/b/2", "v"}, {"/a/b/2", ""}, {"/a/c", "v"}});
  CHECK(whole.total.live_keys == 2);
  CHECK(whole.total.revisions == 5);
  CHECK(whole.total.live_value_bytes == 3);
  CHECK(Find(whole.prefixes, "/a/b").live_keys == 1);
  CHECK(Find(whole.prefixes, "/a/b").revisions == 4);
  CHECK(Find(whole.prefixes, "/a").live_keys == 1);
  // Compacted at 3: the rows up to there are one a key; the second is overwritten later.
  const Inventory compacted = InventoryOf({{"/a/b/1", "v"}, {"/a/b/2", "v"}, {"/a/b/2", "vv"}}, 3);
  CHECK(compacted.total.live_keys == 2);
  CHECK(compacted.total.live_value_bytes == 3);
}

TEST_CASE("encrypted values, by provider and key; plain secrets stand out") {
  const Inventory inventory =
      InventoryOf({{"/registry/secrets/a/1", "k8s:enc:aescbc:v1:key1:\x01\x02"},
                   {"/registry/secrets/a/2", "k8s:enc:kms:v2:vault:xyz"},
                   {"/registry/secrets/a/3", "k8s:enc:aescbc:v1:key1:zzz"},
                   {"/registry/secrets/a/4", "k8s-plain"},
                   {"/registry/secrets/a/3", "k8s:enc:aescbc:v1:key2:zzz"},
                   {"/registry/pods/a/1", "plain"}});
  const InventoryGroup& secrets = Find(inventory.resources, "secrets");
  CHECK(secrets.encrypted == 3);
  CHECK(secrets.live_keys == 4);
  CHECK(Find(inventory.resources, "pods").encrypted == 0);
  std::map<std::string, uint64_t> keys;
  for (const EncryptionKey& k : inventory.encryption_keys) {
    keys[k.provider + " " + k.version + " " + k.key] = k.live_values;
  }
  CHECK(keys == std::map<std::string, uint64_t>{
                    {"aescbc v1 key1", 1}, {"aescbc v1 key2", 1}, {"kms v2 vault", 1}});
}

TEST_CASE("what merely looks encrypted stays a secret") {
  const Inventory inventory = InventoryOf({{"a", "k8s:enc:aescbc:v1:not a name, but a password:"},
                                           {"b", "k8s:enc:" + std::string(1000, 'p')},
                                           {"d", "k8s:enc:my-password:v1:key:"},
                                           {"c", "k8s:enc:"}});
  for (const EncryptionKey& k : inventory.encryption_keys) {
    CHECK(k.key == "?");
    CHECK((k.provider == "?" || k.provider == "aescbc"));
  }
}

TEST_CASE("names are printable and cut, and there are so many at most") {
  std::vector<std::pair<std::string, std::string>> writes = {
      {"/\x01\xff/b/c", "v"}, {"/" + std::string(5000, 'x') + "/b/c", "v"}};
  for (size_t i = 0; i < kInventoryGroupsMax + 50; ++i)
    writes.emplace_back("/p/" + std::to_string(i) + "/key", "v");
  for (size_t i = 0; i < kEncryptionKeysMax + 7; ++i) {
    writes.emplace_back("/e/e/" + std::to_string(i),
                        "k8s:enc:aescbc:v1:key" + std::to_string(i) + ":");
  }
  const Inventory inventory = InventoryOf(writes);
  REQUIRE(inventory.prefixes.size() == kInventoryGroupsMax + 1);
  CHECK(inventory.prefixes.back().name == kOtherGroup);
  CHECK(inventory.prefixes.back().live_keys == 52 + kEncryptionKeysMax + 7);
  CHECK(Find(inventory.prefixes, "/\\x01\\xff/b").live_keys == 1);
  for (const InventoryGroup& g : inventory.prefixes) CHECK(g.name.size() < 200);
  REQUIRE(inventory.encryption_keys.size() == kEncryptionKeysMax + 1);
  CHECK(inventory.encryption_keys.back().live_values == 7);
}

}  // namespace
}  // namespace etcdrill::verify
