// The SHA-256 at the end of a snapshot. Source: docs/etcd-formats.md §4.1: it is the hash of
// everything before it, and a file has one exactly if its size leaves 32 when divided by 512 (bbolt
// files are multiples of their page size).
#pragma once

#include <cstdint>

namespace etcdrill::snapshot {

inline constexpr uint64_t kTrailerBytes = 32;
inline constexpr uint64_t kSectorBytes = 512;

inline constexpr bool HasTrailer(uint64_t file_size) {
  return file_size % kSectorBytes == kTrailerBytes;
}
// Bytes of the database in a file of this size.
inline constexpr uint64_t BodySize(uint64_t file_size) {
  return HasTrailer(file_size) ? file_size - kTrailerBytes : file_size;
}

}  // namespace etcdrill::snapshot
