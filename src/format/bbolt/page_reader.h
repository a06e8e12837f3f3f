// Reads runs of pages, ahead of time where pages follow each other: a file written in one go is
// read in large blocks, one that was edited for years page by page, without reading anything twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "format/bbolt/layout.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

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
