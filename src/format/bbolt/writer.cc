// Bulk loading of small trees behind the high-water mark.
#include "format/bbolt/writer.h"

#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/tree.h"

namespace etcdrill::bbolt {
namespace {

// One element of a page to be written: a pair of a leaf, or (key, child) of a branch.
struct Item {
  std::string key;
  std::string value;
  uint32_t leaf_flags = 0;
  PageId child = 0;

  size_t Bytes() const { return kElementBytes + key.size() + value.size(); }
};

// The image of a page, without padding.
std::string PageImage(PageId id, uint16_t flags, uint32_t overflow, const Item* items, size_t count) {
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

class PageAppender {
 public:
  PageAppender(const Meta& meta, WritableFile& file)
      : file_(file), page_size_(meta.page_size), next_(meta.high_water) {}

  PageId next() const { return next_; }

  // Writes the items (sorted by key) as leaves and as many branch levels as they need; returns the root page.
  Result<PageId> WriteTree(std::vector<Item> items) {
    uint16_t flags = kLeafPage;
    while (true) {
      ASSIGN_OR_RETURN(items, WriteLevel(items, flags));
      if (items.size() == 1) return items.front().child;
      flags = kBranchPage;
    }
  }

  // An inline bucket's value, or a header that refers to a tree.
  Result<std::string> WriteBucket(const BucketContent& content) {
    std::vector<Item> items;
    size_t bytes = kPageHeaderBytes;
    for (const auto& [key, value] : content) {
      items.push_back({key, value});
      bytes += items.back().Bytes();
    }
    std::string header;
    if (bytes <= page_size_ / 4) {  // bbolt's own limit
      AppendLE64(header, 0);
      AppendLE64(header, 0);
      return header + PageImage(0, kLeafPage, 0, items.data(), items.size());
    }
    ASSIGN_OR_RETURN(const PageId root, WriteTree(std::move(items)));
    AppendLE64(header, root);
    AppendLE64(header, 0);
    return header;
  }

 private:
  // Packs items into pages of one level and returns the entries of the level above.
  Result<std::vector<Item>> WriteLevel(const std::vector<Item>& items, uint16_t flags) {
    std::vector<Item> parents;
    size_t begin = 0;
    do {
      size_t end = begin;
      size_t bytes = kPageHeaderBytes;
      // At least two entries a branch: with one, a later delete by bbolt would fail an assertion. Keys of the buckets
      // written here are short, so two always fit.
      while (end < items.size() && (end == begin || bytes + items[end].Bytes() <= page_size_))
        bytes += items[end++].Bytes();
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

  Result<PageId> WritePage(uint16_t flags, const Item* items, size_t count) {
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

  WritableFile& file_;
  const uint32_t page_size_;
  PageId next_;
};

// Takes over the root's entries as they are, so that untouched buckets keep their pages.
class RootEntries final : public PairVisitor {
 public:
  void OnBucket(std::string_view) override {}
  void OnPair(const Pair& pair) override { entries[std::string(pair.key)] = std::string(pair.value); }
  std::map<std::string, std::string> entries;
};

}  // namespace

Status ReplaceBuckets(const ReadableFile& source, uint64_t body_size, const Meta& meta,
                      const std::map<std::string, BucketContent>& buckets, WritableFile& file) {
  RootEntries root;
  RETURN_IF_ERROR(WalkRoot(source, body_size, meta, root));
  PageAppender appender(meta, file);
  for (const auto& [name, content] : buckets) {
    ASSIGN_OR_RETURN(root.entries[name], appender.WriteBucket(content));
  }
  std::vector<Item> items;
  for (const auto& [name, value] : root.entries) items.push_back({name, value, kLeafIsBucket});

  Meta changed = meta;
  ASSIGN_OR_RETURN(changed.root, appender.WriteTree(std::move(items)));
  changed.high_water = appender.next();
  changed.freelist = kNoFreelist;  // bbolt derives it: every page that no bucket reaches
  changed.tx_id = meta.tx_id + 1;
  const PageId id = changed.tx_id % 2;
  std::string page;
  AppendLE64(page, id);
  AppendLE16(page, kMetaPage);
  AppendLE16(page, 0);
  AppendLE32(page, 0);
  page += EncodeMeta(changed);
  return file.WriteAt(id * meta.page_size, page);
}

}  // namespace etcdrill::bbolt
