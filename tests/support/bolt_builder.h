// Puts bbolt files together page by page: small sound databases of any page size, with a stored
// freelist if wanted, and the parts of which hostile ones are made. Shares nothing with src/format,
// and checks nothing: it writes what it is told.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill::testing {

inline constexpr uint64_t kNoFreelistPage = ~uint64_t{0};

struct LeafItem {
  std::string key;
  std::string value;
  uint32_t flags = 0;  // 1: a bucket
};

struct BranchItem {
  std::string key;
  uint64_t child = 0;
};

struct BoltMeta {
  uint32_t page_size = 4096;
  uint64_t root = 0;
  uint64_t freelist = kNoFreelistPage;
  uint64_t high_water = 0;
  uint64_t tx_id = 8;
};

class BoltBuilder {
 public:
  explicit BoltBuilder(uint32_t page_size)
      : page_size_(page_size), bytes_(2 * size_t{page_size}, '\0') {}

  // Each appends a page, with the overflow that it needs, and returns its number.
  uint64_t AddLeaf(std::span<const LeafItem> items);
  uint64_t AddBranch(std::span<const BranchItem> items);
  uint64_t AddFreelist(std::span<const uint64_t> ids);
  uint64_t AddFreePage();
  // Leaves of at most `leaf_items`, and the branches above them.
  uint64_t AddTree(std::span<const LeafItem> items, size_t leaf_items);

  uint64_t next_page() const { return bytes_.size() / page_size_; }
  // The database: the two metas as in a snapshot, the first one newer. No trailer.
  std::string Finish(uint64_t root, uint64_t freelist = kNoFreelistPage) const;

 private:
  uint64_t Append(std::string page, uint16_t flags, size_t count);

  const uint32_t page_size_;
  std::string bytes_;
};

// Values of bucket elements: a reference to a tree, or a whole small bucket.
std::string BucketValue(uint64_t root);
std::string InlineBucket(std::span<const LeafItem> items);

// Overwrites meta page 0 or 1, checksum included.
void WriteMeta(std::string& database, size_t page, const BoltMeta& meta);
// Makes the checksum of the meta whose page begins at `at` right again. Needs 80 bytes there.
void RepairMetaChecksum(std::span<char> database, size_t at);

std::string WithTrailer(std::string_view database);

// A row of the `key` bucket: a put of "key-MAIN" at this revision, created by it.
LeafItem PutRow(int64_t main, std::string_view value);

struct TinySnapshotOptions {
  uint32_t page_size = 4096;
  int64_t rows = 20;
  size_t value_bytes = 20;
  size_t leaf_rows = 8;
  bool freelist = false;  // with two free pages in it
};
// A database that an etcd could have written, without a trailer.
std::string TinyDatabase(const TinySnapshotOptions& options);

}  // namespace etcdrill::testing
