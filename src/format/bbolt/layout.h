// The bbolt file format: every constant, with its place. Source: docs/dev/formats.md §1, checked
// there against files of etcd 3.4.23 to 3.7.1; upstream is go.etcd.io/bbolt
// internal/common/{page,meta,bucket}.go.
//
//   file   = pages of page_size bytes; page n starts at byte n * page_size; little-endian here
//   page   = header, element table, then keys and values packed in the order of the elements; it
//            may run over into the `overflow` pages that follow, which have no header of their own
//   page 0 and page 1 = meta; the higher transaction id wins if its checksum is right
//
// What this format cannot detect: only the metas carry a checksum. A flipped bit in a key, a value,
// the unused tail of a page or a free page breaks no rule of the structure. That takes the SHA-256
// trailer, a manifest, or etcd's own HashKV.
#pragma once

#include <cstddef>
#include <cstdint>

namespace etcdrill::bbolt {

using PageId = uint64_t;

inline constexpr size_t kPageHeaderBytes = 8 + 2 + 2 + 4;  // id, flags, count, overflow
inline constexpr size_t kPageIdAt = 0;
inline constexpr size_t kPageFlagsAt = 8;
inline constexpr size_t kPageCountAt = 10;
inline constexpr size_t kPageOverflowAt = 12;

inline constexpr uint16_t kBranchPage = 0x01;
inline constexpr uint16_t kLeafPage = 0x02;
inline constexpr uint16_t kMetaPage = 0x04;
inline constexpr uint16_t kFreelistPage = 0x10;

// Meta, after the page header.
inline constexpr size_t kMetaBytes = 4 + 4 + 4 + 4 + 16 + 8 + 8 + 8 + 8;
inline constexpr size_t kMetaMagicAt = 0;
inline constexpr size_t kMetaVersionAt = 4;
inline constexpr size_t kMetaPageSizeAt = 8;
inline constexpr size_t kMetaFlagsAt = 12;
inline constexpr size_t kMetaRootAt = 16;
inline constexpr size_t kMetaSequenceAt = 24;
inline constexpr size_t kMetaFreelistAt = 32;
inline constexpr size_t kMetaHighWaterAt = 40;
inline constexpr size_t kMetaTxIdAt = 48;
inline constexpr size_t kMetaChecksumAt = 56;  // FNV-1a 64 over the bytes before
static_assert(kMetaChecksumAt + 8 == kMetaBytes);

inline constexpr uint32_t kMagic = 0xED0CDAED;
inline constexpr uint32_t kVersion = 2;
inline constexpr PageId kNoFreelist = ~uint64_t{0};
inline constexpr PageId kFirstDataPage = 2;

// The page size is that of the machine that wrote the file; the metas of any of these are found.
inline constexpr uint32_t kPageSizeMin = 1024;
inline constexpr uint32_t kPageSizeMax = 16u << 20;

// Elements. `pos` counts from the start of the element itself.
inline constexpr size_t kElementBytes = 16;  // both kinds
inline constexpr size_t kBranchPosAt = 0;
inline constexpr size_t kBranchKeySizeAt = 4;
inline constexpr size_t kBranchChildAt = 8;
inline constexpr size_t kLeafFlagsAt = 0;
inline constexpr size_t kLeafPosAt = 4;
inline constexpr size_t kLeafKeySizeAt = 8;
inline constexpr size_t kLeafValueSizeAt = 12;
inline constexpr uint32_t kLeafIsBucket = 0x01;

// The value of a bucket element: root page id, sequence; root 0 means that a leaf page image
// follows (inline bucket).
inline constexpr size_t kBucketHeaderBytes = 8 + 8;

// Limits of ours. A page run holds one oversized value at most; etcd refuses requests of more than
// a few MiB.
inline constexpr uint64_t kPageRunBytesMax = uint64_t{256} << 20;
// Two elements of the largest page size, and more.
inline constexpr uint64_t kBranchRunBytesMax = uint64_t{32} << 20;
inline constexpr size_t kTreeDepthMax = 32;

}  // namespace etcdrill::bbolt
