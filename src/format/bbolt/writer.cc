// A replaced bucket is loaded in bulk; for an appended pair the pages on the way to the last leaf
// are written anew, as bbolt itself would do.
#include "format/bbolt/writer.h"

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "format/bbolt/database.h"
#include "format/bbolt/page.h"
#include "format/bbolt/page_appender.h"
#include "format/bbolt/page_reader.h"

namespace etcdrill::bbolt {
namespace {

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
      return Error(Reason::kDamaged, "page {} can't be read as a tree", id);
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
      return Error(Reason::kDamaged, "there is no bucket {}", name);
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

}  // namespace etcdrill::bbolt
