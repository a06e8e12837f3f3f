// The layout check of one page.
#include "format/bbolt/page.h"

#include <fmt/format.h>

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

}  // namespace etcdrill::bbolt
