// The window doubles as long as pages are asked for in the order of the file, or against it, and
// starts again after a jump.
#include "format/bbolt/page_reader.h"

#include <algorithm>
#include <span>

namespace etcdrill::bbolt {
namespace {
constexpr uint64_t kWindowPagesMin = 2;  // most pages of etcd have no overflow, or one
constexpr uint64_t kWindowBytesMax = 256 << 10;
}  // namespace

Result<std::string_view> PageReader::Read(PageId id, uint64_t pages) {
  if (id < first_ || id + pages > first_ + held_) RETURN_IF_ERROR(Fill(id, pages));
  return std::string_view(block_).substr((id - first_) * page_size_, pages * page_size_);
}

Status PageReader::Fill(PageId id, uint64_t pages) {
  const PageId end = first_ + held_;
  const bool forwards = id >= first_ && id <= end;
  const bool backwards = id < first_ && id + pages <= first_ && first_ - id <= ahead_;
  const uint64_t window_max = std::max(kWindowBytesMax / page_size_, kWindowPagesMin);
  ahead_ = forwards || backwards ? std::min(ahead_ * 2, window_max) : kWindowPagesMin;

  PageId from = id;
  uint64_t count = std::max(pages, ahead_);
  if (backwards) {
    from = first_ - std::min(first_, ahead_);
    count = first_ - from;
  }
  count = std::min(count, page_count_ - from);
  held_ = 0;  // nothing, if the read fails
  block_.resize(std::max<size_t>(block_.size(), count * page_size_));
  const Status read = file_.Read(from * page_size_, std::span(block_).first(count * page_size_));
  if (!read.ok()) return Annotate(read, "page {}", id);
  first_ = from;
  held_ = count;
  return OkStatus();
}

}  // namespace etcdrill::bbolt
