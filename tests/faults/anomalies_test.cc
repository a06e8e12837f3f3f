// What breaks no rule that a reader depends on, but that etcd and bbolt never write: somebody else
// was here. Each is at least a warning.
#include "base/bytes.h"
#include "faults/faults.h"
#include "support/bolt_builder.h"
#include "support/byte_classes.h"
#include "support/catch.h"
#include "support/snapshots.h"

namespace etcdrill::testing {
namespace {

constexpr uint32_t kPage = 4096;

bool IsNoticed(const std::string& database) {
  const auto report = MemoryVerifier().Verify(WithTrailer(database));
  return report.findings.total() > 0;
}

void FlipFirst(std::string& bytes, ByteClass byte_class, size_t skip = 0) {
  const std::vector<size_t> offsets = MapBytes(bytes).Offsets(byte_class);
  REQUIRE(offsets.size() > skip);
  bytes[offsets[skip]] ^= 1;
}

// Auth that is renamed is auth that is off after the restore. All ten buckets are there in every
// version since 3.4.
TEST_CASE("anomalies: a bucket with another name") {
  std::string database = WithoutTrailer(ReadFile(SnapshotPath("e36-auth")));
  REQUIRE(MemoryVerifier().Verify(WithTrailer(database)).keyspace->auth_enabled);
  const std::vector<size_t> keys = MapBytes(database).Offsets(ByteClass::kLeafKey);
  for (const size_t at : keys) {
    if (database.compare(at, 9, "authRoles") == 0) database[at + 8] = 'x';  // authRolex
  }
  const auto report = MemoryVerifier().Verify(WithTrailer(database));
  for (const Finding& finding : report.findings.kept()) {
    if (finding.text.find("authRole") != std::string::npos) return;
  }
  FAIL("nobody misses authRoles");
}

// bbolt clears its buffers: in all 30 fixtures the unused end of every page is zero. It is a fifth
// of a typical file.
TEST_CASE("anomalies: bytes in the unused end of a page") {
  std::string database = TinyDatabase({.freelist = true});
  FlipFirst(database, GENERATE(ByteClass::kMetaRest, ByteClass::kBranchTail, ByteClass::kLeafTail,
                               ByteClass::kFreelistTail));
  CHECK(IsNoticed(database));
}

// bbolt takes (bytes / page size) + 1 pages at most.
TEST_CASE("anomalies: an overflow that no element needs") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> rows = {PutRow(2, "x")};
  const uint64_t leaf = builder.AddLeaf(rows);
  builder.AddFreePage();
  const std::vector<LeafItem> root = {{"key", BucketValue(leaf), 1}, {"meta", InlineBucket({}), 1}};
  std::string database = builder.Finish(builder.AddLeaf(root));
  database[leaf * kPage + 12] = 1;
  CHECK(IsNoticed(database));
}

TEST_CASE("anomalies: a count or an overflow in the header of a meta page") {
  std::string database = TinyDatabase({});
  FlipFirst(database, ByteClass::kMetaHeader, GENERATE(as<size_t>{}, 10, 12));
  CHECK(IsNoticed(database));
}

// etcd never asks bbolt for a sequence.
TEST_CASE("anomalies: a bucket with a sequence") {
  std::string database = TinyDatabase({});
  FlipFirst(database, ByteClass::kBucketHeader, 8);
  CHECK(IsNoticed(database));
}

// The trailer is still there, where the high-water mark says, and right.
TEST_CASE("anomalies: a snapshot with so many bytes added that its trailer is not looked for") {
  const std::string snapshot = WithTrailer(TinyDatabase({}));
  CHECK(MemoryVerifier().Verify(snapshot + std::string(480, '\0')).verdict() == Verdict::kDamaged);
}

}  // namespace
}  // namespace etcdrill::testing
