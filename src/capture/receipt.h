// What the live members say about the data at the moment of capture: HashKV at one revision, of each that can be
// reached. Kept with the snapshot, it lets anyone compare later, and it shows at once when the member that was copied
// is not like the others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etcd/client.h"

namespace etcdrill::capture {

struct ReceiptEntry {
  std::string endpoint;
  std::string error;  // set: the member could not be asked, and nothing below is
  uint64_t member_id = 0;
  uint32_t hash = 0;
  int64_t revision = 0;          // that the hash is of
  int64_t compact_revision = 0;  // two hashes compare only if this is equal, too
};

// Asks each endpoint, one after the other, for HashKV at `revision`. It costs each member a full scan of its database,
// of about `db_size_bytes`.
std::vector<ReceiptEntry> CollectReceipt(const etcd::Client& client, int64_t revision, int64_t compact_revision,
                                         uint64_t db_size_bytes);

}  // namespace etcdrill::capture
