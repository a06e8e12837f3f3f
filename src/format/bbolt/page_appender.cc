// Pages are packed full: what etcd changes later it writes elsewhere anyway.
#include "format/bbolt/page_appender.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace etcdrill::bbolt {

std::string PageImage(PageId id, uint16_t flags, uint32_t overflow, const Item* items,
                      size_t count) {
  CHECK(count <= kItemsMax);
  std::string page;
  AppendLE64(page, id);
  AppendLE16(page, flags);
  AppendLE16(page, static_cast<uint16_t>(count));
  AppendLE32(page, overflow);
  size_t data = kPageHeaderBytes + count * kElementBytes;
  for (size_t i = 0; i < count; ++i) {
    const auto pos = static_cast<uint32_t>(data - page.size());
    if (flags == kBranchPage) {
      AppendLE32(page, pos);
      AppendLE32(page, static_cast<uint32_t>(items[i].key.size()));
      AppendLE64(page, items[i].child);
    } else {
      AppendLE32(page, items[i].leaf_flags);
      AppendLE32(page, pos);
      AppendLE32(page, static_cast<uint32_t>(items[i].key.size()));
      AppendLE32(page, static_cast<uint32_t>(items[i].value.size()));
    }
    data += items[i].key.size() + items[i].value.size();
  }
  for (size_t i = 0; i < count; ++i) page += items[i].key + items[i].value;
  return page;
}

Result<std::vector<Item>> PageAppender::WriteLevel(const std::vector<Item>& items, uint16_t flags) {
  std::vector<Item> parents;
  size_t begin = 0;
  do {
    size_t end = begin;
    size_t bytes = kPageHeaderBytes;
    while (end < items.size() && end - begin < kItemsMax &&
           (end == begin || bytes + items[end].Bytes() <= page_size_)) {
      bytes += items[end++].Bytes();
    }
    // No branch with one child: its left neighbour gives one up. Keys written here are short, so it
    // has three.
    if (flags == kBranchPage && items.size() - end == 1 && end - begin > 2) --end;
    ASSIGN_OR_RETURN(const PageId id, WritePage(flags, items.data() + begin, end - begin));
    Item parent;
    if (begin < items.size()) parent.key = items[begin].key;
    parent.child = id;
    parents.push_back(std::move(parent));
    begin = end;
  } while (begin < items.size());
  return parents;
}

Result<PageId> PageAppender::WriteBranches(std::vector<Item> items) {
  while (items.size() > 1) {
    ASSIGN_OR_RETURN(items, WriteLevel(items, kBranchPage));
  }
  return items.front().child;
}

Result<PageId> PageAppender::WriteTree(const std::vector<Item>& items) {
  ASSIGN_OR_RETURN(std::vector<Item> leaves, WriteLevel(items, kLeafPage));
  return WriteBranches(std::move(leaves));
}

Result<PageId> PageAppender::WritePage(uint16_t flags, const Item* items, size_t count) {
  size_t bytes = kPageHeaderBytes;
  for (size_t i = 0; i < count; ++i) bytes += items[i].Bytes();
  const uint64_t pages = (bytes + page_size_ - 1) / page_size_;
  std::string image = PageImage(next_, flags, static_cast<uint32_t>(pages - 1), items, count);
  CHECK(image.size() == bytes);
  image.resize(pages * page_size_);
  RETURN_IF_ERROR(file_.WriteAt(next_ * page_size_, image));
  const PageId id = next_;
  next_ += pages;
  return id;
}

}  // namespace etcdrill::bbolt
