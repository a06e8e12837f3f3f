// Databases made by hand, most of them to do harm: trees that run in circles or never end, numbers
// that overflow, metas that lie. All have a right trailer, or none. Every one must be judged, and
// in about the time of a sound one.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "faults/faults.h"
#include "proof/finding_codes.h"
#include "support/bolt_builder.h"
#include "support/catch.h"

namespace etcdrill::testing {
namespace {

constexpr uint32_t kPage = 4096;
constexpr size_t kHeader = 16;

// Verifies in a bounded time, with a bounded number of findings kept.
verify::VerifyReport Judge(std::string_view bytes) {
  MemoryVerifier verifier;
  const double begin = CpuSeconds();
  auto report = verifier.Verify(bytes);
  // The constant leaves room for a debug build with sanitizers; what must not be is a time that
  // grows with the tree.
  CHECK(CpuSeconds() - begin < 2 + 1e-8 * static_cast<double>(bytes.size()));
  CHECK(report.findings.kept().size() <= Findings::kFindingsKept);
  CHECK_FALSE(Dump(verify::ToJson(report)).empty());
  return report;
}

// With a right trailer, so that the structure alone has to see it, and without, where nothing may
// be proven either.
void RequireDamaged(const std::string& database) {
  const auto report = Judge(WithTrailer(database));
  INFO(Describe(report));
  CHECK(report.verdict() == Verdict::kDamaged);
  CHECK(report.levels[Level::kTransfer] == LevelResult::kPass);
  CHECK(Judge(database).verdict() == Verdict::kDamaged);
}

void RequireDamaged(const std::string& database, std::string_view code) {
  RequireDamaged(database);
  const auto report = Judge(database);
  INFO(Describe(report));
  CHECK(HasFinding(report.findings, code));
}

void PutLE16(std::string& bytes, size_t at, uint16_t value) {
  std::memcpy(&bytes.at(at), &value, sizeof value);
}
void PutLE32(std::string& bytes, size_t at, uint32_t value) {
  std::memcpy(&bytes.at(at), &value, sizeof value);
}
void PutLE64(std::string& bytes, size_t at, uint64_t value) {
  std::memcpy(&bytes.at(at), &value, sizeof value);
}

// A database whose `key` bucket is the tree at `key_root`, with an empty `meta` beside it.
std::string WithKeyTree(BoltBuilder& builder, uint64_t key_root) {
  const std::vector<LeafItem> root = {{"key", BucketValue(key_root), 1},
                                      {"meta", InlineBucket({}), 1}};
  return builder.Finish(builder.AddLeaf(root));
}

TEST_CASE("trees: sound databases of every page size are proven") {
  const uint32_t page_size = GENERATE(as<uint32_t>{}, 1024, 2048, 4096, 8192, 16384, 32768, 65536);
  const bool freelist = GENERATE(false, true);
  const size_t value_bytes = GENERATE(as<size_t>{}, 0, 20, 5000, 70'000);
  CAPTURE(page_size, freelist, value_bytes);
  const auto report = Judge(WithTrailer(TinyDatabase(
      {.page_size = page_size, .rows = 100, .value_bytes = value_bytes, .freelist = freelist})));
  INFO(Describe(report));
  CHECK(report.verdict() == Verdict::kProven);
  CHECK(report.keyspace->live_keys == 100);
}

TEST_CASE("trees: an empty store is proven") {
  const auto report = Judge(WithTrailer(TinyDatabase({.rows = 0})));
  INFO(Describe(report));
  CHECK(report.verdict() == Verdict::kProven);
  CHECK(report.keyspace->hashkv.hash == 0x40A4756D);  // an empty store: docs/dev/formats.md §5.2
}

TEST_CASE("trees: a page that is its own child") {
  BoltBuilder builder(kPage);
  const std::vector<BranchItem> items = {{"a", builder.next_page()}, {"b", builder.next_page()}};
  const uint64_t branch = builder.AddBranch(items);
  RequireDamaged(WithKeyTree(builder, branch), codes::kPageReachedTwice);
}

TEST_CASE("trees: a circle of pages") {
  const uint64_t length = GENERATE(as<uint64_t>{}, 2, 3, 30, 100);
  BoltBuilder builder(kPage);
  const uint64_t first = builder.next_page();
  for (uint64_t i = 0; i < length; ++i) {
    const std::vector<BranchItem> items = {{"a", first + (i + 1) % length}};
    builder.AddBranch(items);
  }
  RequireDamaged(WithKeyTree(builder, first));
}

TEST_CASE("trees: the root tree is the tree of a bucket, too") {
  BoltBuilder builder(kPage);
  const uint64_t root = builder.next_page();
  RequireDamaged(WithKeyTree(builder, root), codes::kPageReachedTwice);
}

TEST_CASE("trees: two buckets that share a tree") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> rows = {PutRow(2, "x")};
  const uint64_t leaf = builder.AddLeaf(rows);
  const std::vector<LeafItem> root = {{"key", BucketValue(leaf), 1},
                                      {"lease", BucketValue(leaf), 1},
                                      {"meta", InlineBucket({}), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  RequireDamaged(builder.Finish(root_page), codes::kPageReachedTwice);
}

TEST_CASE("trees: a chain of branches, deeper than any real tree") {
  const size_t depth = GENERATE(as<size_t>{}, 40, 5000);
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> rows = {PutRow(2, "x")};
  uint64_t child = builder.AddLeaf(rows);
  for (size_t i = 0; i < depth; ++i) {
    const std::vector<BranchItem> items = {{rows[0].key, child}};
    child = builder.AddBranch(items);
  }
  RequireDamaged(WithKeyTree(builder, child), codes::kTreeTooDeep);
}

TEST_CASE("trees: branches of 200 children that all are one leaf") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> rows = {PutRow(2, "x")};
  uint64_t child = builder.AddLeaf(rows);
  // 200 to the power of 5 ways lead to the leaf.
  for (size_t level = 0; level < 5; ++level) {
    std::vector<BranchItem> items;
    for (int64_t main = 2; main < 202; ++main)
      items.push_back({PutRow(main, "").key.substr(0, 8), child});
    child = builder.AddBranch(items);
  }
  RequireDamaged(WithKeyTree(builder, child), codes::kPageReachedTwice);
}

TEST_CASE("trees: thousands of buckets on one tree") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> rows = {PutRow(2, "x")};
  const uint64_t leaf = builder.AddLeaf(rows);
  std::vector<LeafItem> root;
  for (int i = 0; i < 20'000; ++i)
    root.push_back({fmt::format("bucket-{:06}", i), BucketValue(leaf), 1});
  const uint64_t root_page = builder.AddTree(root, 60);
  RequireDamaged(builder.Finish(root_page), codes::kPageReachedTwice);
}

TEST_CASE("trees: pages beyond the high-water mark, the metas, and numbers that overflow") {
  const uint64_t child = GENERATE(as<uint64_t>{}, 0, 1, 5, 1000, uint64_t{1} << 52,
                                  (uint64_t{1} << 52) + 2, uint64_t{1} << 63, ~uint64_t{0});
  CAPTURE(child);
  SECTION("as a child of a branch") {
    BoltBuilder builder(kPage);
    const std::vector<LeafItem> rows = {PutRow(2, "x")};
    const std::vector<BranchItem> items = {{rows[0].key, builder.AddLeaf(rows)},
                                           {PutRow(3, "").key, child}};
    const uint64_t branch = builder.AddBranch(items);
    RequireDamaged(WithKeyTree(builder, branch), codes::kPageOutOfBounds);
  }
  SECTION("as the root of a bucket") {
    BoltBuilder builder(kPage);
    RequireDamaged(WithKeyTree(builder, child));
  }
  SECTION("as the root of all") {
    BoltBuilder builder(kPage);
    builder.AddFreePage();
    RequireDamaged(builder.Finish(child));
  }
  SECTION("as the freelist") {
    BoltBuilder builder(kPage);
    const std::vector<LeafItem> root = {{"key", InlineBucket({}), 1},
                                        {"meta", InlineBucket({}), 1}};
    const uint64_t root_page = builder.AddLeaf(root);
    const std::string database = builder.Finish(root_page, child);
    if (child != kNoFreelistPage) RequireDamaged(database, codes::kPageOutOfBounds);
  }
}

// Fields of the header and the first element of a leaf of the `key` bucket, which is page 2 of
// TinyDatabase.
TEST_CASE("trees: header and element fields at their limits") {
  std::string database = TinyDatabase({});
  const size_t leaf = 2 * kPage;
  const uint32_t huge =
      GENERATE(as<uint32_t>{}, 0xFFFFFFFF, 0xFFFFFFF0, 0x80000000, 0x7FFFFFFF, 0x10000);
  CAPTURE(huge);
  SECTION("overflow") { PutLE32(database, leaf + 12, huge); }
  SECTION("position") { PutLE32(database, leaf + kHeader + 4, huge); }
  SECTION("key size") { PutLE32(database, leaf + kHeader + 8, huge); }
  SECTION("value size") { PutLE32(database, leaf + kHeader + 12, huge); }
  SECTION("sizes whose sum overflows 32 bits") {
    PutLE32(database, leaf + kHeader + 8, huge);
    PutLE32(database, leaf + kHeader + 12, ~huge + 40);
  }
  SECTION("position and size whose sum overflows 32 bits") {
    PutLE32(database, leaf + kHeader + 4, huge);
    PutLE32(database, leaf + kHeader + 8, ~huge + 40);
  }
  RequireDamaged(database);
}

TEST_CASE("trees: counts that do not fit the page") {
  std::string database = TinyDatabase({});
  const uint16_t count = GENERATE(as<uint16_t>{}, 0, 1, 7, 9, 255, 256, 65535);
  CAPTURE(count);
  PutLE16(database, 2 * kPage + 10, count);
  RequireDamaged(database);
}

TEST_CASE("trees: a leaf that claims all the pages behind it") {
  std::string database = TinyDatabase({.rows = 2000});
  PutLE32(database, 2 * kPage + 12, static_cast<uint32_t>(database.size() / kPage - 3));
  RequireDamaged(database, codes::kPageReachedTwice);
}

TEST_CASE("trees: a bucket inside a bucket") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> inner = {PutRow(2, "x")};
  std::vector<LeafItem> rows = {PutRow(2, "x"), {PutRow(3, "").key, InlineBucket(inner), 1}};
  const uint64_t leaf = builder.AddLeaf(rows);
  RequireDamaged(WithKeyTree(builder, leaf), codes::kBucketNested);
}

TEST_CASE("trees: inline buckets nested a thousand deep") {
  std::string bucket = InlineBucket({});
  for (int i = 0; i < 1000; ++i) bucket = InlineBucket(std::vector<LeafItem>{{"b", bucket, 1}});
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> root = {{"key", bucket, 1}, {"meta", InlineBucket({}), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  RequireDamaged(builder.Finish(root_page));
}

TEST_CASE("trees: bucket values that are too short") {
  const size_t size = GENERATE(as<size_t>{}, 0, 1, 15, 17, 31);
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> root = {{"key", InlineBucket({}).substr(0, size), 1},
                                      {"meta", InlineBucket({}), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  RequireDamaged(builder.Finish(root_page));
}

TEST_CASE("trees: a root that holds a plain key") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> root = {{"key", InlineBucket({}), 1}, {"meta", "a value"}};
  const uint64_t root_page = builder.AddLeaf(root);
  RequireDamaged(builder.Finish(root_page), codes::kRootNotBuckets);
}

TEST_CASE("trees: keys that are empty, equal or out of order") {
  const LeafItem two = PutRow(2, "x");
  const LeafItem three = PutRow(3, "x");
  BoltBuilder builder(kPage);
  uint64_t tree = 0;
  SECTION("in a leaf") {
    const auto rows =
        GENERATE_COPY(std::vector<LeafItem>{three, two}, std::vector<LeafItem>{two, two},
                      std::vector<LeafItem>{{"", two.value}, two}, std::vector<LeafItem>{{"", ""}});
    tree = builder.AddLeaf(rows);
  }
  SECTION("in leaves that lie in the wrong order") {
    const std::vector<BranchItem> items = {{two.key, builder.AddLeaf(std::vector{three})},
                                           {three.key, builder.AddLeaf(std::vector{two})}};
    tree = builder.AddBranch(items);
  }
  SECTION("in a branch") {
    const std::vector<BranchItem> items = {{three.key, builder.AddLeaf(std::vector{three})},
                                           {two.key, builder.AddLeaf(std::vector{two})}};
    tree = builder.AddBranch(items);
  }
  RequireDamaged(WithKeyTree(builder, tree));
}

// The structure is sound; what was written between is gone.
TEST_CASE("trees: revisions that are missing") {
  std::vector<LeafItem> rows;
  const int64_t missing = GENERATE(2, 3, 50, 98);
  for (int64_t main = 2; main < 100; ++main) {
    if (main != missing) rows.push_back(PutRow(main, "x"));
  }
  BoltBuilder builder(kPage);
  const uint64_t tree = builder.AddTree(rows, 8);
  RequireDamaged(WithKeyTree(builder, tree), codes::kRevisionGap);
}

TEST_CASE("trees: both metas are bad") {
  std::string database = TinyDatabase({});
  const size_t field = GENERATE(as<size_t>{}, 0, 4, 8, 16, 56);
  for (const size_t page : {0u, 1u}) database[page * kPage + kHeader + field] ^= 1;
  RequireDamaged(database, codes::kMetaInvalid);
}

TEST_CASE("trees: one meta is bad") {
  std::string database = TinyDatabase({});
  const size_t page = GENERATE(as<size_t>{}, 0, 1);
  database[page * kPage + kHeader + 20] ^= 1;
  RequireDamaged(database, codes::kMetaDamaged);
}

TEST_CASE("trees: metas that contradict each other") {
  std::string database = TinyDatabase({});
  BoltMeta meta{kPage, database.size() / kPage - 1, kNoFreelistPage, database.size() / kPage, 7};
  SECTION("equal transactions") { meta.tx_id = 8; }
  SECTION("another page size") { meta.page_size = 8192; }
  SECTION("an impossible page size") {
    meta.page_size = GENERATE(as<uint32_t>{}, 0, 1, 512, 1000, 4097, 1 << 25, 0x80000000);
  }
  std::string second(2 * kPage, '\0');
  BoltMeta at_page_one = meta;
  at_page_one.page_size = kPage;
  WriteMeta(second, 1, at_page_one);
  PutLE32(second, kPage + kHeader + 8, meta.page_size);
  RepairMetaChecksum(second, kPage);
  database.replace(kPage, 80, second.substr(kPage, 80));
  RequireDamaged(database);
}

TEST_CASE("trees: metas that agree on what the file is not") {
  std::string database = TinyDatabase({});
  BoltMeta meta{kPage, database.size() / kPage - 1, kNoFreelistPage, database.size() / kPage, 8};
  SECTION("high-water mark") {
    meta.high_water = GENERATE(as<uint64_t>{}, 0, 1, 2, 5, 1000, uint64_t{1} << 52, ~uint64_t{0});
  }
  SECTION("root") {
    meta.root = GENERATE(as<uint64_t>{}, 0, 1, 2, 1000, uint64_t{1} << 52, ~uint64_t{0});
  }
  SECTION("page size") {
    const uint32_t page_size = GENERATE(as<uint32_t>{}, 1024, 2048, 8192, 16384, 65536);
    for (const size_t at : {size_t{0}, size_t{kPage}}) {
      PutLE32(database, at + kHeader + 8, page_size);
      RepairMetaChecksum(database, at);
    }
    RequireDamaged(database);
    return;
  }
  CAPTURE(meta.high_water, meta.root);
  WriteMeta(database, 0, meta);
  --meta.tx_id;
  WriteMeta(database, 1, meta);
  RequireDamaged(database);
}

TEST_CASE("trees: freelists that lie") {
  BoltBuilder builder(kPage);
  const std::vector<LeafItem> root = {{"key", InlineBucket({}), 1}, {"meta", InlineBucket({}), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  const uint64_t free_a = builder.AddFreePage();
  const uint64_t free_b = builder.AddFreePage();
  const auto ids = GENERATE_COPY(
      std::vector<uint64_t>{free_a}, std::vector{free_b, free_a}, std::vector{free_a, free_a},
      std::vector{root_page, free_a, free_b}, std::vector{free_a, free_b, uint64_t{1000}},
      std::vector{uint64_t{0}, free_a, free_b}, std::vector{free_a, free_b, ~uint64_t{0}});
  const uint64_t freelist = builder.AddFreelist(ids);
  RequireDamaged(builder.Finish(root_page, freelist), codes::kFreelistWrong);
}

TEST_CASE("trees: freelists with counts that do not fit") {
  std::string database = TinyDatabase({.freelist = true});
  const size_t freelist = database.size() - kPage;
  PutLE16(database, freelist + 10, GENERATE(as<uint16_t>{}, 0, 1, 3, 510, 511, 65534, 65535));
  PutLE64(database, freelist + kHeader,
          GENERATE(as<uint64_t>{}, 0, 2, 511, uint64_t{1} << 61, ~uint64_t{0}));
  RequireDamaged(database);
}

TEST_CASE("trees: a freelist of more than 65534 pages is read") {
  BoltBuilder builder(1024);
  const std::vector<LeafItem> root = {{"key", InlineBucket({}), 1}, {"meta", InlineBucket({}), 1}};
  const uint64_t root_page = builder.AddLeaf(root);
  std::vector<uint64_t> ids;
  while (ids.size() < 70'000) ids.push_back(builder.AddFreePage());
  const bool one_missing = GENERATE(false, true);
  if (one_missing) ids.pop_back();
  const uint64_t freelist = builder.AddFreelist(ids);
  const auto report = Judge(WithTrailer(builder.Finish(root_page, freelist)));
  INFO(Describe(report));
  CHECK(report.verdict() == (one_missing ? Verdict::kDamaged : Verdict::kProven));
}

TEST_CASE("trees: a file of nothing but damage keeps a bounded number of findings") {
  BoltBuilder builder(kPage);
  std::vector<BranchItem> items;
  for (int64_t main = 2; main < 30'000; ++main) items.push_back({PutRow(main, "").key, 1'000'000});
  const uint64_t branch = builder.AddBranch(items);
  const auto report = Judge(WithTrailer(WithKeyTree(builder, branch)));
  CHECK(report.verdict() == Verdict::kDamaged);
  CHECK(report.findings.total() >= 29'998);
}

}  // namespace
}  // namespace etcdrill::testing
