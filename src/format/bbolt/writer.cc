// A replaced bucket is loaded in bulk; for an appended pair the pages on the way to the last leaf
// are written anew, as bbolt itself would do. Pages are packed full: what etcd changes later it
// writes elsewhere anyway.
#include "format/bbolt/writer.h"

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "format/bbolt/database.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/meta.h"
#include "format/bbolt/page.h"

namespace etcdrill::bbolt {
namespace {

// A page counts its elements in 16 bits, of which bbolt keeps 0xFFFF for itself.
constexpr size_t kItemsMax = 0xFFFE;

// One element of a page to be written: a pair of a leaf, or (key, child) of a branch.
struct Item {
  std::string key;
  std::string value;
  uint32_t leaf_flags = 0;
  PageId child = 0;

  size_t Bytes() const { return kElementBytes + key.size() + value.size(); }
};

// The image of a leaf or branch page, without padding. At most kItemsMax items, sorted by key. Of
// none, it is the header of any page.
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

// Writes trees of new pages behind the last page that a file uses. The hard fact: a branch with one
// child fails an assertion of bbolt when that child becomes empty. Source: docs/dev/formats.md
// §1.9. Not thread-safe.
class PageAppender {
 public:
  PageAppender(const Meta& meta, WritableFile& file)
      : file_(file), page_size_(meta.page_size), next_(meta.high_water) {}

  PageId next() const { return next_; }

  // Packs the items (sorted by key) into pages of one level, at least one; returns the entries of
  // the level above.
  Result<std::vector<Item>> WriteLevel(const std::vector<Item>& items, uint16_t flags);

  // Writes branches above these entries until one page is left; returns it.
  Result<PageId> WriteBranches(std::vector<Item> items) {
    while (items.size() > 1) {
      ASSIGN_OR_RETURN(items, WriteLevel(items, kBranchPage));
    }
    return items.front().child;
  }

  // The items as leaves, and the branches above them; returns the root page.
  Result<PageId> WriteTree(const std::vector<Item>& items) {
    ASSIGN_OR_RETURN(std::vector<Item> leaves, WriteLevel(items, kLeafPage));
    return WriteBranches(std::move(leaves));
  }

 private:
  Result<PageId> WritePage(uint16_t flags, const Item* items, size_t count);

  WritableFile& file_;
  const uint32_t page_size_;
  PageId next_;
};

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

std::vector<Item> ToItems(const BucketContent& content) {
  std::vector<Item> items;
  for (const auto& [key, value] : content) items.push_back({key, value});
  return items;
}

std::vector<Item> ToItems(const PageView& page) {
  std::vector<Item> items;
  for (uint16_t i = 0; i < page.count(); ++i) {
    Item item{std::string(page.Key(i))};
    if (page.is_branch()) {
      item.child = page.Child(i);
    } else {
      item.value = page.Value(i);
    }
    items.push_back(std::move(item));
  }
  return items;
}

// A page level of the edge: its items, and what kind of page it was.
struct EdgePage {
  uint16_t flags = 0;
  std::vector<Item> items;
};

// The pages from `root` down to the last leaf.
Result<std::vector<EdgePage>> RightEdge(const Database& source, PageId root) {
  const Meta& meta = source.meta();
  PageReader reader(source.file(), meta.page_size, meta.high_water);
  std::vector<EdgePage> edge;
  for (PageId id = root;; id = edge.back().items.back().child) {
    const auto damaged = [&] {
      return Error(Reason::kDamaged, "page {} is not a valid tree page", id);
    };
    if (id >= meta.high_water || edge.size() == kTreeDepthMax) return damaged();
    ASSIGN_OR_RETURN(std::string_view bytes, reader.Read(id, 1));
    const uint64_t pages = 1 + uint64_t{PageHeader::Decode(bytes).overflow};
    if (pages > meta.high_water - id || pages * meta.page_size > kPageRunBytesMax) return damaged();
    ASSIGN_OR_RETURN(bytes, reader.Read(id, pages));
    const PageView page(bytes);
    const uint16_t flags = page.header().flags;
    if ((flags != kLeafPage && flags != kBranchPage) || !page.CheckLayout().problem.empty())
      return damaged();
    edge.push_back({flags, ToItems(page)});
    if (flags == kLeafPage) return edge;
    if (edge.back().items.empty()) return damaged();
  }
}

// The pair is put behind the last one; what no longer fits its page goes on to a new one, level by
// level.
Result<PageId> AppendPairs(const Database& source, PageId root, const BucketContent& pairs,
                           PageAppender& appender) {
  ASSIGN_OR_RETURN(std::vector<EdgePage> edge, RightEdge(source, root));
  std::vector<Item> added = ToItems(pairs);
  for (; !edge.empty(); edge.pop_back()) {
    EdgePage& page = edge.back();
    if (page.flags == kBranchPage) page.items.pop_back();  // the child that was just written anew
    page.items.insert(page.items.end(), added.begin(), added.end());
    ASSIGN_OR_RETURN(added, appender.WriteLevel(page.items, page.flags));
  }
  return appender.WriteBranches(std::move(added));
}

std::string BucketHeader(PageId root) {
  std::string header;
  AppendLE64(header, root);
  AppendLE64(header, 0);  // sequence, which etcd never asks for
  return header;
}

// The value of a bucket's element: a whole small bucket, or a header that refers to a tree.
Result<std::string> WriteBucket(const BucketContent& content, uint32_t page_size,
                                PageAppender& appender) {
  const std::vector<Item> items = ToItems(content);
  size_t bytes = kPageHeaderBytes;
  for (const Item& item : items) bytes += item.Bytes();
  if (bytes <= page_size / 4) {  // bbolt's own limit
    return BucketHeader(0) + PageImage(0, kLeafPage, 0, items.data(), items.size());
  }
  ASSIGN_OR_RETURN(const PageId root, appender.WriteTree(items));
  return BucketHeader(root);
}

std::string Page(PageId id, uint16_t flags, std::string_view body, uint32_t page_size) {
  std::string page = PageImage(id, flags, 0, nullptr, 0).append(body);
  page.resize(page_size);
  return page;
}

}  // namespace

Result<BucketContent> ReadBucket(const Database& source, std::string_view name) {
  BucketContent content;
  RETURN_IF_ERROR(source.ForEachPair(name, {}, [&](const Pair& pair) {
    content[std::string(pair.key)] = std::string(pair.value);
  }));
  return content;
}

Status ApplyEdit(const Database& source, const Edit& edit, WritableFile& file) {
  const Meta& meta = source.meta();
  BucketContent root;  // taken over as it is, so that untouched buckets keep their pages
  const auto take = [&](const Pair& pair) {
    root[std::string(pair.key)] = std::string(pair.value);
  };
  EachPair all(take);
  RETURN_IF_ERROR(source.WalkRoot(all));
  PageAppender appender(meta, file);
  for (const auto& [name, content] : edit.replace) {
    ASSIGN_OR_RETURN(root[name], WriteBucket(content, meta.page_size, appender));
  }
  for (const auto& [name, pairs] : edit.append) {
    std::string& value = root[name];
    if (value.size() < kBucketHeaderBytes)
      return Error(Reason::kDamaged, "bucket {} is missing", name);
    if (const PageId tree = LoadLE64(value.data()); tree != 0) {
      ASSIGN_OR_RETURN(const PageId changed, AppendPairs(source, tree, pairs, appender));
      value = BucketHeader(changed);
      continue;
    }
    ASSIGN_OR_RETURN(BucketContent small, ReadBucket(source, name));
    small.insert(pairs.begin(), pairs.end());
    ASSIGN_OR_RETURN(value, WriteBucket(small, meta.page_size, appender));
  }
  std::vector<Item> entries = ToItems(root);
  for (Item& entry : entries) entry.leaf_flags = kLeafIsBucket;

  Meta changed = meta;
  ASSIGN_OR_RETURN(changed.root, appender.WriteTree(entries));
  changed.high_water = appender.next();
  changed.freelist = kNoFreelist;  // bbolt derives it: every page that no bucket reaches
  changed.tx_id = meta.tx_id + 1;
  const PageId id = changed.tx_id % 2;
  return file.WriteAt(id * meta.page_size,
                      PageImage(id, kMetaPage, 0, nullptr, 0) + EncodeMeta(changed));
}

// An empty root under two metas, which ApplyEdit then fills. The empty root stays behind as a free
// page.
Status CreateDatabase(FileSystem& fs, const std::string& path, uint32_t page_size,
                      const std::map<std::string, BucketContent>& buckets) {
  const Meta older{.page_size = page_size, .root = 2, .high_water = 3, .tx_id = 3};
  Meta meta = older;
  meta.tx_id = 4;
  const std::string empty = Page(0, kMetaPage, EncodeMeta(meta), page_size) +
                            Page(1, kMetaPage, EncodeMeta(older), page_size) +
                            Page(2, kLeafPage, "", page_size);
  ASSIGN_OR_RETURN(const auto file, fs.Create(path, kPrivateFileMode));
  RETURN_IF_ERROR(file->Append(empty));
  ASSIGN_OR_RETURN(const auto source, fs.OpenForReading(path));
  Findings none;
  ASSIGN_OR_RETURN(const auto database, Database::Open(*source, empty.size(), none));
  CHECK(database.has_value());
  return ApplyEdit(*database, {.replace = buckets}, *file);
}

}  // namespace etcdrill::bbolt
