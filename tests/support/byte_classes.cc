// A recursive walk that paints ranges; what nothing paints is a free page. Layout:
// docs/dev/formats.md §1.
#include "support/byte_classes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace etcdrill::testing {
namespace {

using enum ByteClass;

constexpr size_t kHeaderBytes = 16;
constexpr size_t kElementBytes = 16;
constexpr size_t kMetaBytes = 64;
constexpr size_t kTrailerBytes = 32;
constexpr uint16_t kBranchFlag = 1;
constexpr uint64_t kNoFreelist = ~uint64_t{0};

struct ElementClasses {
  ByteClass header, element, key, value;
};
constexpr ElementClasses kLeaf = {kLeafHeader, kLeafElement, kLeafKey, kLeafValue};
constexpr ElementClasses kInline = {kInlineHeader, kInlineElement, kInlineKey, kInlineValue};
constexpr ElementClasses kBranch = {kBranchHeader, kBranchElement, kBranchKey, kBranchKey};

class Mapper {
 public:
  explicit Mapper(std::string_view snapshot) : bytes_(snapshot) {
    map_.classes.assign(bytes_.size(), kFreePage);
    map_.page_size = U32(kHeaderBytes + 8);
    const bool second_wins = U64(MetaAt(1) + 48) > U64(MetaAt(0) + 48);
    const size_t meta = MetaAt(second_wins ? 1 : 0);
    PaintMeta(0);
    PaintMeta(1);
    MapTree(U64(meta + 16), "");
    if (U64(meta + 32) != kNoFreelist) MapFreelist(U64(meta + 32));
    const size_t body = U64(meta + 40) * map_.page_size;
    if (bytes_.size() == body + kTrailerBytes) Paint(body, kTrailerBytes, kTrailer);
    ListFreePages(body / map_.page_size);
  }

  ByteMap Take() { return std::move(map_); }

 private:
  uint16_t U16(size_t at) const { return LoadLE16(&bytes_.at(at)); }
  uint32_t U32(size_t at) const { return LoadLE32(&bytes_.at(at)); }
  uint64_t U64(size_t at) const { return LoadLE64(&bytes_.at(at)); }
  size_t MetaAt(size_t page) const { return page * map_.page_size + kHeaderBytes; }

  void Paint(size_t at, size_t size, ByteClass byte_class) {
    CHECK(at + size <= bytes_.size());
    std::fill_n(map_.classes.begin() + static_cast<ptrdiff_t>(at), size, byte_class);
  }

  void PaintMeta(size_t page) {
    const size_t at = MetaAt(page);
    Paint(at - kHeaderBytes, kHeaderBytes, kMetaHeader);
    Paint(at, 8, kMetaVersion);
    Paint(at + 8, 8, kMetaPageSize);
    Paint(at + 16, 16, kMetaRoot);
    Paint(at + 32, 8, kMetaFreelist);
    Paint(at + 40, 8, kMetaHighWater);
    Paint(at + 48, 8, kMetaTxId);
    Paint(at + 56, 8, kMetaChecksum);
    Paint(at + kMetaBytes, map_.page_size - kHeaderBytes - kMetaBytes, kMetaRest);
  }

  void AddPage(MappedPage::Kind kind, uint64_t id, const std::string& bucket, ByteClass tail) {
    const uint64_t span = U32(id * map_.page_size + 12) + uint64_t{1};
    map_.pages.push_back({kind, id, span, bucket});
    Paint(id * map_.page_size, span * map_.page_size, tail);
  }

  void MapTree(uint64_t id, const std::string& bucket) {
    const size_t at = id * map_.page_size;
    if (U16(at + 8) == kBranchFlag) {
      AddPage(MappedPage::Kind::kBranch, id, bucket, kBranchTail);
      Paint(at, kHeaderBytes, kBranchHeader);
      for (size_t i = 0; i < U16(at + 10); ++i) {
        const size_t element = at + kHeaderBytes + i * kElementBytes;
        Paint(element, kElementBytes, kBranch.element);
        Paint(element + U32(element), U32(element + 4), kBranch.key);
        MapTree(U64(element + 8), bucket);
      }
    } else {
      AddPage(MappedPage::Kind::kLeaf, id, bucket, kLeafTail);
      MapLeaf(at, kLeaf);
    }
  }

  void MapLeaf(size_t at, const ElementClasses& classes) {
    Paint(at, kHeaderBytes, classes.header);
    for (size_t i = 0; i < U16(at + 10); ++i) {
      const size_t element = at + kHeaderBytes + i * kElementBytes;
      const size_t key = element + U32(element + 4);
      const size_t value = key + U32(element + 8);
      Paint(element, kElementBytes, classes.element);
      Paint(key, value - key, classes.key);
      Paint(value, U32(element + 12), classes.value);
      if (U32(element) == 1) MapBucket(value, std::string(bytes_.substr(key, value - key)));
    }
  }

  void MapBucket(size_t value, const std::string& name) {
    Paint(value, 16, kBucketHeader);
    const uint64_t root = U64(value);
    if (root == 0) {
      MapLeaf(value + 16, kInline);
    } else {
      MapTree(root, name);
    }
  }

  void MapFreelist(uint64_t id) {
    AddPage(MappedPage::Kind::kFreelist, id, "", kFreelistTail);
    const size_t at = id * map_.page_size;
    Paint(at, kHeaderBytes, kFreelistHeader);
    const bool long_list = U16(at + 10) == 0xFFFF;
    Paint(at + kHeaderBytes, 8 * (long_list ? 1 + U64(at + kHeaderBytes) : U16(at + 10)),
          kFreelistIds);
  }

  void ListFreePages(uint64_t page_count) {
    std::vector<bool> used(page_count);
    used[0] = used[1] = true;
    for (const MappedPage& page : map_.pages) {
      for (uint64_t id = page.id; id < page.id + page.span; ++id) used[id] = true;
    }
    for (uint64_t id = 0; id < page_count; ++id) {
      if (!used[id]) map_.free_pages.push_back(id);
    }
  }

  const std::string_view bytes_;
  ByteMap map_;
};

}  // namespace

std::string_view ByteClassName(ByteClass byte_class) {
  static constexpr std::array<std::string_view, kByteClasses> kNames = {
      "meta header",     "meta version",  "meta page size", "meta root",     "meta freelist",
      "meta high water", "meta txid",     "meta checksum",  "meta rest",     "branch header",
      "branch element",  "branch key",    "branch tail",    "leaf header",   "leaf element",
      "leaf key",        "leaf value",    "leaf tail",      "bucket header", "inline header",
      "inline element",  "inline key",    "inline value",   "free page",     "freelist header",
      "freelist ids",    "freelist tail", "trailer"};
  return kNames.at(static_cast<size_t>(byte_class));
}

std::vector<size_t> ByteMap::Offsets(ByteClass byte_class) const {
  std::vector<size_t> offsets;
  for (size_t at = 0; at < classes.size(); ++at) {
    if (classes[at] == byte_class) offsets.push_back(at);
  }
  return offsets;
}

ByteMap MapBytes(std::string_view snapshot) { return Mapper(snapshot).Take(); }

}  // namespace etcdrill::testing
