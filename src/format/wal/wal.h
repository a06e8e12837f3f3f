// The write-ahead log that etcd starts a restored member from. Source: docs/dev/formats.md §6.3.
//
//   file   = frames, then zeros up to its preallocated size
//   frame  = length (8 bytes, little-endian), walpb.Record, zero bytes up to a multiple of 8
//   length = bytes of the record in the low 56 bits; with padding, the top byte is 0x80 | its bytes
//   record = type, crc, data; crc is the running CRC-32C over the data of all records so far
//
// What this format cannot detect: records that are missing at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill::wal {

enum class RecordType { kMetadata = 1, kEntry = 2, kState = 3, kCrc = 4, kSnapshot = 5 };

inline constexpr uint64_t kSegmentBytes = 64'000'000;  // preallocated, as etcd does
inline constexpr std::string_view kFirstSegmentName = "0000000000000000-0000000000000000.wal";

// Builds the bytes of a segment.
class SegmentBuilder {
 public:
  void Add(RecordType type, std::string_view data);
  const std::string& bytes() const [[clang::lifetimebound]] { return bytes_; }

 private:
  std::string bytes_;
  uint32_t crc_ = 0;
};

// The first member's view of a new cluster. All ids as etcd computes them (restore/membership.h).
struct InitialMember {
  uint64_t id = 0;
  std::string json;  // as in the `members` bucket
};
struct InitialCluster {
  uint64_t cluster_id = 0;
  uint64_t own_id = 0;
  std::vector<InitialMember> members;  // sorted by id
};

// The first segment: metadata, one conf-change entry a member, hard state, and both snapshot
// records.
std::string FirstSegment(const InitialCluster& cluster);

// The .snap file: the raft snapshot at index N (number of members), term 1, with the v2 store
// document that etcd up to 3.5 takes its members from. Without it etcd starts, but a member that is
// added later comes up empty (docs/dev/formats.md §6.6).
std::string FirstSnapshotFile(const InitialCluster& cluster, std::string_view v2_store_json);
std::string FirstSnapshotName(const InitialCluster& cluster);

}  // namespace etcdrill::wal
