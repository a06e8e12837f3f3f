// Keys of the `key` bucket: one for each change of a user key. Source: docs/etcd-formats.md §2.1.
//   main (8 bytes, big-endian) '_' sub (8 bytes, big-endian) [ 't' if the change is a delete ]
// main counts writes to the store (the first one makes 2), sub the changes within one write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etcdrill::mvcc {

struct Revision {
  int64_t main = 0;
  int64_t sub = 0;
  bool tombstone = false;
};

inline constexpr size_t kRevisionBytes = 8 + 1 + 8;

// nullopt if the bytes are not a revision; main is at least 1, sub at least 0.
std::optional<Revision> DecodeRevision(std::string_view key);
std::string EncodeRevision(const Revision& revision);

}  // namespace etcdrill::mvcc
