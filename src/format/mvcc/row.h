// Rows of the `key` bucket: one for each change of a user key. Source: docs/dev/formats.md §2.1.
// The key of a row is the revision of the change:
//   main (8 bytes, big-endian) '_' sub (8 bytes, big-endian) [ 't' if the change is a delete ]
// main counts writes to the store (the first one makes 2), sub the changes within one write. The
// value is a mvccpb.KeyValue.
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

// Decoded by hand from protobuf's wire format, as views into the page, because this runs over every
// byte of a snapshot and a copy of each value would cost more than all the checks.
struct KeyValueView {
  std::string_view key;
  std::string_view value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t version = 0;
  int64_t lease = 0;
};

// nullopt if the bytes are not a KeyValue. An empty input is one (the marker of `restore
// --bump-revision`). Unknown fields are passed over, as protobuf does.
std::optional<KeyValueView> DecodeKeyValue(std::string_view bytes);

}  // namespace etcdrill::mvcc
