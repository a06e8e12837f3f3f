// Values of the `key` bucket: mvccpb.KeyValue in protobuf's wire format. Decoded here by hand, as
// views into the page, because this runs over every byte of a snapshot and a copy of each value
// would cost more than all the checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace etcdrill::mvcc {

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
