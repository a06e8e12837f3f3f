// Writes trees of new pages behind the last page that a file uses. The hard facts: a page counts
// its elements in 16 bits, of which bbolt keeps 0xFFFF for itself, and a branch with one child
// fails an assertion of bbolt when that child becomes empty. Source: docs/etcd-formats.md §1.9.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/meta.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

// One element of a page to be written: a pair of a leaf, or (key, child) of a branch.
struct Item {
  std::string key;
  std::string value;
  uint32_t leaf_flags = 0;
  PageId child = 0;

  size_t Bytes() const { return kElementBytes + key.size() + value.size(); }
};

inline constexpr size_t kItemsMax = 0xFFFE;

// The image of a leaf or branch page, without padding. At most kItemsMax items, sorted by key. Of
// none, it is the header of any page.
std::string PageImage(PageId id, uint16_t flags, uint32_t overflow, const Item* items,
                      size_t count);

// Not thread-safe.
class PageAppender {
 public:
  PageAppender(const Meta& meta, WritableFile& file)
      : file_(file), page_size_(meta.page_size), next_(meta.high_water) {}

  PageId next() const { return next_; }

  // Packs the items (sorted by key) into pages of one level, at least one; returns the entries of
  // the level above.
  Result<std::vector<Item>> WriteLevel(const std::vector<Item>& items, uint16_t flags);

  // Writes branches above these entries until one page is left; returns it.
  Result<PageId> WriteBranches(std::vector<Item> items);

  // The items as leaves, and the branches above them; returns the root page.
  Result<PageId> WriteTree(const std::vector<Item>& items);

 private:
  Result<PageId> WritePage(uint16_t flags, const Item* items, size_t count);

  WritableFile& file_;
  const uint32_t page_size_;
  PageId next_;
};

}  // namespace etcdrill::bbolt
