// Pages, and reading them. One page (with its overflow), bounds-checked. Nothing here trusts a
// byte: CheckLayout looks at every field once, and only then may the accessors be used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"
#include "format/bbolt/layout.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

struct PageHeader {
  PageId id = 0;
  uint16_t flags = 0;
  uint16_t count = 0;
  uint32_t overflow = 0;

  // `bytes` has at least kPageHeaderBytes.
  static PageHeader Decode(std::string_view bytes) {
    return {LoadLE64(bytes.data() + kPageIdAt), LoadLE16(bytes.data() + kPageFlagsAt),
            LoadLE16(bytes.data() + kPageCountAt), LoadLE32(bytes.data() + kPageOverflowAt)};
  }
};

struct Layout {
  std::string_view problem;  // a code; empty: the page is sound
  size_t offset = 0;  // of the problem in the page; if there is none, where its last value ends
  std::string text;
};

// A view of the bytes of a branch or leaf page, or of an inline bucket's image; it borrows them.
class PageView {
 public:
  explicit PageView(std::string_view bytes) : bytes_(bytes), header_(PageHeader::Decode(bytes)) {}

  const PageHeader& header() const { return header_; }
  bool is_branch() const { return header_.flags == kBranchPage; }
  uint16_t count() const { return header_.count; }

  // bbolt packs the table and then keys and values in order, without a gap; any other arrangement
  // is damage. Keys are not empty and rise strictly.
  Layout CheckLayout() const;

  std::string_view Key(uint16_t i) const {
    const char* element = Element(i);
    return is_branch() ? std::string_view(element + LoadLE32(element + kBranchPosAt),
                                          LoadLE32(element + kBranchKeySizeAt))
                       : std::string_view(element + LoadLE32(element + kLeafPosAt),
                                          LoadLE32(element + kLeafKeySizeAt));
  }
  // Branch only.
  PageId Child(uint16_t i) const { return LoadLE64(Element(i) + kBranchChildAt); }
  // Leaf only.
  std::string_view Value(uint16_t i) const {
    const char* element = Element(i);
    return {element + LoadLE32(element + kLeafPosAt) + LoadLE32(element + kLeafKeySizeAt),
            LoadLE32(element + kLeafValueSizeAt)};
  }
  bool IsBucket(uint16_t i) const {
    return (LoadLE32(Element(i) + kLeafFlagsAt) & kLeafIsBucket) != 0;
  }
  size_t KeyOffset(uint16_t i) const { return static_cast<size_t>(Key(i).data() - bytes_.data()); }

 private:
  const char* Element(uint16_t i) const {
    return bytes_.data() + kPageHeaderBytes + size_t{i} * kElementBytes;
  }

  std::string_view bytes_;
  PageHeader header_;
};

// Reads runs of pages, ahead of time where pages follow each other: a file written in one go is
// read in large blocks, one that was edited for years page by page, without reading anything twice.
// Not thread-safe.
class PageReader {
 public:
  // The file has at least `page_count` pages.
  PageReader(const ReadableFile& file, uint32_t page_size, uint64_t page_count)
      : file_(file), page_size_(page_size), page_count_(page_count) {}

  // The bytes of `pages` pages from `id` on, which lie within the file. Valid until the next call.
  Result<std::string_view> Read(PageId id, uint64_t pages);

 private:
  Status Fill(PageId id, uint64_t pages);

  const ReadableFile& file_;
  const uint32_t page_size_;
  const uint64_t page_count_;
  std::string block_;
  PageId first_ = 0;    // of the block
  uint64_t held_ = 0;   // pages in the block
  uint64_t ahead_ = 0;  // how many pages to read at the next one that is not held
};

}  // namespace etcdrill::bbolt
