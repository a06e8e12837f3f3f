// At the compact revision itself members refuse, or answer from a cache (formats.md 5): there the head is asked for
// instead.
#include "capture/receipt.h"

#include "base/status.h"

namespace etcdrill::capture {

std::vector<ReceiptEntry> CollectReceipt(const etcd::Client& client, int64_t revision, int64_t compact_revision,
                                         uint64_t db_size_bytes) {
  std::vector<ReceiptEntry> entries;
  for (const etcd::Endpoint& endpoint : client.endpoints()) {
    ReceiptEntry& entry = entries.emplace_back(ReceiptEntry{.endpoint = endpoint.address()});
    const auto answer = endpoint.HashKv(revision == compact_revision ? 0 : revision, db_size_bytes);
    if (!answer.ok()) {
      entry.error = MessageOf(answer.status());
      continue;
    }
    entry.member_id = answer->member_id;
    entry.hash = answer->hash;
    entry.revision = answer->hash_revision;
    entry.compact_revision = answer->compact_revision;
  }
  return entries;
}

}  // namespace etcdrill::capture
