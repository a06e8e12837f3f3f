// The window doubles as long as pages are asked for in the order of the file, and starts again after a jump.
#include "format/bbolt/page_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace etcdrill::bbolt {
namespace {
constexpr uint64_t kWindowPagesMin = 2;  // most pages of etcd have no overflow, or one
constexpr uint64_t kWindowBytesMax = 256 << 10;
}  // namespace

Result<std::string_view> PageReader::Read(PageId id, uint64_t pages) {
  const PageId end = first_ + held_;
  const bool within = id >= first_ && id < end;
  if (!within || id + pages > end) {
    const bool goes_on = within || id == end;
    const uint64_t window_max = std::max(kWindowBytesMax / page_size_, kWindowPagesMin);
    ahead_ = goes_on ? std::min(ahead_ * 2, window_max) : kWindowPagesMin;
    held_ = 0;  // nothing, if the read fails
    const uint64_t count = std::min(std::max(pages, ahead_), page_count_ - id);
    block_.resize(std::max<size_t>(block_.size(), count * page_size_));
    if (const Status read = file_.Read(id * page_size_, std::span(block_).first(count * page_size_)); !read.ok()) {
      return Annotate(read, fmt::format("page {}", id));
    }
    first_ = id;
    held_ = count;
  }
  return std::string_view(block_).substr((id - first_) * page_size_, pages * page_size_);
}

}  // namespace etcdrill::bbolt
