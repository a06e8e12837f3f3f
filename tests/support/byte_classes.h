// What each byte of a snapshot is: so that a fault test can hit one kind of byte a thousand times,
// and say which kinds of damage the verifier sees. Made by a small parser that knows nothing of
// src/format, for sound files only: it is given the undamaged bytes, and trusts them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill::testing {

enum class ByteClass : uint8_t {
  kMetaHeader,    // the page header of a meta page
  kMetaVersion,   // magic and version
  kMetaPageSize,  // and the flags
  kMetaRoot,      // and the root's sequence
  kMetaFreelist,
  kMetaHighWater,
  kMetaTxId,
  kMetaChecksum,
  kMetaRest,  // of the page
  kBranchHeader,
  kBranchElement,
  kBranchKey,
  kBranchTail,  // the unused end of the page
  kLeafHeader,
  kLeafElement,
  kLeafKey,
  kLeafValue,
  kLeafTail,
  kBucketHeader,
  kInlineHeader,  // of the page inside the value of a small bucket
  kInlineElement,
  kInlineKey,
  kInlineValue,
  kFreePage,
  kFreelistHeader,
  kFreelistIds,
  kFreelistTail,
  kTrailer,
  kCount
};
inline constexpr size_t kByteClasses = static_cast<size_t>(ByteClass::kCount);
std::string_view ByteClassName(ByteClass byte_class);

struct MappedPage {
  enum class Kind { kBranch, kLeaf, kFreelist };
  Kind kind;
  uint64_t id;
  uint64_t span;       // pages, with the overflow
  std::string bucket;  // empty: the root tree
};

struct ByteMap {
  uint64_t page_size = 0;
  std::vector<ByteClass> classes;  // of each byte
  std::vector<MappedPage> pages;   // in use, beyond the metas
  std::vector<uint64_t> free_pages;

  // Where the bytes of one class lie; empty if there are none.
  std::vector<size_t> Offsets(ByteClass byte_class) const;
};

ByteMap MapBytes(std::string_view snapshot);

}  // namespace etcdrill::testing
