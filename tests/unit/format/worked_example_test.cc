// The worked example of docs/dev/formats.md §11: the blocks of that page make a file, and what the
// page says of it is true.
#include <cctype>
#include <sstream>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "format/bbolt/database.h"
#include "format/bbolt/meta.h"
#include "format/bbolt/page.h"
#include "format/mvcc/hash_kv.h"
#include "format/mvcc/row.h"
#include "format/snapshot/image.h"
#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using testing::TestContext;

constexpr size_t kPageSize = 1024;
constexpr size_t kBytesALine = 16;

std::string Page() { return testing::ReadFile(ETCDRILL_SOURCE_DIR "/docs/dev/formats.md"); }

// The bytes of the block "```hex NAME": lines of an offset, up to 16 bytes, and words.
std::string Block(const std::string& name) {
  const std::string page = Page();
  const std::string fence = "```hex " + name + "\n";
  const size_t begin = page.find(fence);
  REQUIRE(begin != std::string::npos);
  std::istringstream lines(page.substr(begin + fence.size()));
  std::string bytes;
  for (std::string line; std::getline(lines, line) && line != "```";) {
    std::istringstream words(line.substr(5, 3 * kBytesALine));
    REQUIRE(std::stoul(line.substr(0, 3), nullptr, 16) == bytes.size());
    for (std::string word; words >> word;)
      bytes.push_back(static_cast<char>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

std::string Database() {
  std::string bytes;
  for (const char* name : {"page 0", "page 1", "page 2", "page 3"}) {
    std::string page = Block(name);
    page.resize(kPageSize);
    bytes += page;
  }
  return bytes;
}

class Sums final : public bbolt::Visitor {
 public:
  void OnBucket(std::string_view name) override {
    bucket_ = name;
    status = Crc32c(status, name);
  }
  void OnPairs(std::span<const bbolt::Pair> pairs) override {
    for (const bbolt::Pair& pair : pairs) OnPair(pair);
  }
  void OnPair(const bbolt::Pair& pair) {
    status = Crc32c(Crc32c(status, pair.key), pair.value);
    if (bucket_ != "key") return;
    rows.push_back(*mvcc::DecodeRevision(pair.key));
    hashkv.OnRow(rows.back(), {}, pair.key, pair.value);
  }
  uint32_t status = 0;
  mvcc::HashKvSum hashkv{3, mvcc::kNeverCompacted, {}};
  std::vector<mvcc::Revision> rows;

 private:
  std::string bucket_;
};

TEST_CASE("the worked example: metas") {
  std::string problem;
  const auto meta = bbolt::DecodeMeta(Block("page 0").substr(bbolt::kPageHeaderBytes), problem);
  REQUIRE(meta.has_value());
  CHECK(meta->page_size == kPageSize);
  CHECK(meta->root == 2);
  CHECK(meta->freelist == bbolt::kNoFreelist);
  CHECK(meta->high_water == 4);
  CHECK(meta->tx_id == 5);
  CHECK(bbolt::EncodeMeta(*meta) == Block("page 0").substr(bbolt::kPageHeaderBytes));
  CHECK(bbolt::DecodeMeta(Block("page 1").substr(bbolt::kPageHeaderBytes), problem)->tx_id == 4);
}

TEST_CASE("the worked example: a meta that is wrong says why") {
  std::string body = Block("page 0").substr(bbolt::kPageHeaderBytes);
  std::string problem;
  const auto refused = [&](size_t at, std::string_view why) {
    std::string changed = body;
    changed[at] ^= 1;
    CHECK_FALSE(bbolt::DecodeMeta(changed, problem).has_value());
    CHECK(problem.find(why) != std::string::npos);
  };
  refused(bbolt::kMetaMagicAt, "magic");
  refused(bbolt::kMetaVersionAt, "version");
  for (size_t at = bbolt::kMetaPageSizeAt; at < bbolt::kMetaBytes; ++at) refused(at, "checksum");
}

TEST_CASE("the worked example: leaves, buckets and an inline bucket") {
  const std::string bytes = Block("page 2");
  const bbolt::PageView root(bytes);
  CHECK(root.CheckLayout().problem.empty());
  REQUIRE(root.count() == 2);
  CHECK(root.Key(0) == "key");
  CHECK(root.IsBucket(0));
  CHECK(LoadLE64(root.Value(0).data()) == 3);
  CHECK(root.Key(1) == "meta");
  const bbolt::PageView inlined(root.Value(1).substr(bbolt::kBucketHeaderBytes));
  CHECK(inlined.CheckLayout().problem.empty());
  CHECK(inlined.Key(0) == "consistent_index");
  CHECK(LoadBE64(inlined.Value(0).data()) == 5);
  CHECK(inlined.Key(1) == "term");
}

TEST_CASE("the worked example: rows") {
  const std::string bytes = Block("page 3");
  const bbolt::PageView leaf(bytes);
  REQUIRE(leaf.count() == 2);
  const auto put = mvcc::DecodeKeyValue(leaf.Value(0));
  REQUIRE(put.has_value());
  CHECK(put->key == "a");
  CHECK(put->value == "hi");
  CHECK(put->create_revision == 2);
  CHECK(put->mod_revision == 2);
  CHECK(put->version == 1);
  CHECK(put->lease == 0);
  CHECK(mvcc::DecodeKeyValue(leaf.Value(1))->key == "a");
  CHECK(mvcc::DecodeRevision(leaf.Key(0))->main == 2);
  CHECK_FALSE(mvcc::DecodeRevision(leaf.Key(0))->tombstone);
  CHECK(mvcc::DecodeRevision(leaf.Key(1))->tombstone);
  CHECK(mvcc::EncodeRevision(*mvcc::DecodeRevision(leaf.Key(1))) == leaf.Key(1));
}

TEST_CASE("the worked example: sums") {
  TestContext test;
  const std::string path = test.Path("example.db");
  testing::WriteFile(
      path, testing::WithRightTrailer(Database() + std::string(snapshot::kTrailerBytes, '\0')));
  const auto file = test.fs().OpenForReading(path);
  REQUIRE(file.ok());
  REQUIRE(snapshot::HasTrailer((*file)->Size()));
  const uint64_t body = snapshot::BodySize((*file)->Size());
  Findings findings;
  const auto database = bbolt::Database::Open(**file, body, findings);
  REQUIRE(database.ok());
  Sums sums;
  REQUIRE((*database)->WalkAll(findings, sums).ok());
  CHECK(findings.total() == 0);
  CHECK(sums.rows.size() == 2);

  std::string trailer(snapshot::kTrailerBytes, '\0');
  REQUIRE((*file)->Read(body, trailer).ok());
  std::string hash;
  AppendLE32(hash, __builtin_bswap32(sums.status));
  std::string hashkv;
  AppendLE32(hashkv, __builtin_bswap32(sums.hashkv.Finish().hash));
  const std::string page = Page();
  for (const std::string& sum : {trailer, hash, hashkv})
    CHECK(page.find("`" + Hex(sum) + "`") != std::string::npos);
}

}  // namespace
}  // namespace etcdrill
