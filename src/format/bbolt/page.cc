#include "format/bbolt/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "proof/finding_codes.h"

namespace etcdrill::bbolt {

Layout PageView::CheckLayout() const {
  const size_t table_end = kPageHeaderBytes + size_t{count()} * kElementBytes;
  if (table_end > bytes_.size()) {
    return {codes::kElementOutOfBounds, kPageCountAt,
            fmt::format("{} elements do not fit into the page", count())};
  }
  size_t expected = table_end;
  std::string_view previous;
  for (uint16_t i = 0; i < count(); ++i) {
    const size_t element = kPageHeaderBytes + size_t{i} * kElementBytes;
    const char* p = bytes_.data() + element;
    const size_t pos = element + LoadLE32(p + (is_branch() ? kBranchPosAt : kLeafPosAt));
    const size_t key_size = LoadLE32(p + (is_branch() ? kBranchKeySizeAt : kLeafKeySizeAt));
    const size_t value_size = is_branch() ? 0 : LoadLE32(p + kLeafValueSizeAt);
    if (pos + key_size + value_size > bytes_.size()) {  // three 32-bit numbers: no overflow
      return {codes::kElementOutOfBounds, element,
              fmt::format("element {} points beyond the end of the page", i)};
    }
    if (pos != expected) {
      return {codes::kElementLayout, element,
              fmt::format("element {} starts at byte {} of the page, its neighbour ends at {}", i,
                          pos, expected)};
    }
    if (!is_branch() && LoadLE32(p + kLeafFlagsAt) > kLeafIsBucket) {
      return {codes::kElementFlags, element,
              fmt::format("element {} has unknown flags {:#x}", i, LoadLE32(p))};
    }
    const std::string_view key(bytes_.data() + pos, key_size);
    if (key.empty() || (i > 0 && key <= previous)) {
      return {codes::kKeyOrder, pos,
              key.empty() ? fmt::format("element {} has an empty key", i)
                          : fmt::format("the key of element {} does not follow that of element {}",
                                        i, i - 1)};
    }
    previous = key;
    expected = pos + key_size + value_size;
  }
  return {{}, expected, {}};
}

// The window doubles as long as pages are asked for in the order of the file, or against it, and
// starts again after a jump.
constexpr uint64_t kWindowPagesMin = 2;  // most pages of etcd have no overflow, or one
constexpr uint64_t kWindowBytesMax = 256 << 10;

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
