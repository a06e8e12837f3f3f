// What lies in a snapshot, and how much of it: keys and bytes by prefix and by Kubernetes resource,
// and which values the API server had encrypted. Passes of its own, for those who ask. No value is
// ever part of it.
//
// Memory is bounded on any input: so many groups and encryption keys, the rest counted as one;
// their names are cut. Layout of the keys: k8s.io/apiserver, storage prefix "/registry/":
// RESOURCE/..., or GROUP.with.dots/RESOURCE/...
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "format/mvcc/row.h"
#include "format/snapshot/image.h"

namespace etcdrill::verify {

struct InventoryGroup {
  std::string name;               // printable
  uint64_t live_keys = 0;         // keys whose newest row is a put
  uint64_t revisions = 0;         // rows, deletes among them
  uint64_t live_value_bytes = 0;  // values of live keys
  uint64_t bytes = 0;             // rows as they are stored
  uint64_t encrypted = 0;         // live keys whose value the API server had encrypted
};

// "k8s:enc:PROVIDER:VERSION:KEY:" at the start of a value.
struct EncryptionKey {
  std::string provider;
  std::string version;
  std::string key;
  uint64_t live_values = 0;
};

inline constexpr size_t kInventoryGroupsMax = 1000;
inline constexpr size_t kEncryptionKeysMax = 100;
inline constexpr std::string_view kOtherGroup = "(other)";  // what came when the list was full

// The lists are sorted by bytes, the greatest first, and by values.
struct Inventory {
  InventoryGroup total;
  std::vector<InventoryGroup> prefixes;   // by the key's first two directories: "/registry/pods"
  std::vector<InventoryGroup> resources;  // below /registry/: "pods", "cert-manager.io/issuers"
  std::vector<EncryptionKey> encryption_keys;
};

// Of a file whose structure is sound (its VerifyReport has a keyspace).
Result<Inventory> TakeInventory(const Context& context, const snapshot::Image& image);

// The first two directories of a key, without the name at its end: "/a/b" of "/a/b/c", "" of "c".
std::string_view PrefixOf(std::string_view key);
// The resource of a Kubernetes key; empty for any other.
std::string_view ResourceOf(std::string_view key);

// A row of a snapshot's `key` bucket, with the answer to whether it is what its key holds now.
struct Row {
  const mvcc::KeyValueView& kv;  // valid during the call
  uint64_t stored_bytes = 0;     // of key and value in the bucket
  bool alive = false;  // the newest row of its key; no delete, no mark of a --bump-revision
};

// Every row, in the order of revisions, of a file whose structure is sound (its VerifyReport has a
// keyspace): two passes, one over the rows above the last compaction, for the newest of each key,
// and one over all. For questions about the content; the checks of the ladder have a faster walk of
// their own.
Status ForEachRow(const Context& context, const snapshot::Image& image,
                  const std::function<void(const Row&)>& visit);

}  // namespace etcdrill::verify
