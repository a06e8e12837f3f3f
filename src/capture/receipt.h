// What the live members say about the data at the moment of capture: HashKV at one revision, and
// the number of keys that are alive then, of each that can be reached. Kept with the snapshot, it
// lets anyone compare later, and it shows at once when the member that was copied is not like the
// others. The hash is of what lies in the member's database, the number of what it holds in memory:
// where etcd loses a live key in a compaction, only the number tells (etcd#22376).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "etcd/client.h"
#include "etcd/roll_call.h"

namespace etcdrill::capture {

struct ReceiptEntry {
  std::string endpoint;
  std::string error;  // set: the member could not be asked, and nothing below is
  uint64_t member_id = 0;
  std::string etcd_version;  // empty: not known
  uint32_t hash = 0;
  int64_t revision = 0;              // that the hash is of
  int64_t compact_revision = 0;      // two hashes compare only if this is equal, too
  std::optional<int64_t> live_keys;  // at the revision that was asked for; none: not known
};

// How many keys are alive at `revision`, as this member counts them. Not known if another one
// answers, or the user may not read all keys, for one.
std::optional<int64_t> CountKeys(const etcd::Endpoint& endpoint, int64_t revision,
                                 uint64_t member_id);

// Asks the member behind one endpoint. `compact_revision` is the snapshot's, -1 if there is none.
// An answer of another cluster is an error.
ReceiptEntry AskMember(const etcd::Endpoint& endpoint, uint64_t cluster_id, int64_t revision,
                       int64_t compact_revision, int64_t db_size_bytes);

// Asks each member of our cluster once, one after the other, for HashKV and the number of keys at
// `revision`. It costs each a full scan of its database. An endpoint that is silent has an entry,
// too; others that are not ours have none.
std::vector<ReceiptEntry> CollectReceipt(const etcd::Client& client, const etcd::RollCall& roll,
                                         int64_t revision, int64_t compact_revision);

}  // namespace etcdrill::capture
