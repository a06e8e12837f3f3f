// At the compact revision itself members refuse, or answer from a cache
// (docs/dev/formats.md §3.5): there the head is asked for instead.
#include "capture/receipt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/status.h"
#include "etcd/roll_call.h"

namespace etcdrill::capture {

std::optional<int64_t> CountKeys(const etcd::Endpoint& endpoint, int64_t revision,
                                 uint64_t member_id) {
  const auto answer = endpoint.CountKeys(revision, /*serializable=*/true);
  return answer.ok() && answer->member_id == member_id ? std::optional(answer->count)
                                                       : std::nullopt;
}

ReceiptEntry AskMember(const etcd::Endpoint& endpoint, uint64_t cluster_id, int64_t revision,
                       int64_t compact_revision, int64_t db_size_bytes) {
  ReceiptEntry entry{.endpoint = endpoint.address()};
  const auto answer = endpoint.HashKv(revision == compact_revision ? 0 : revision, db_size_bytes);
  if (!answer.ok()) {
    entry.error = MessageOf(answer.status());
    return entry;
  }
  if (answer->cluster_id != cluster_id) {  // what the address leads to changed since the roll call
    entry.error = fmt::format("{}: now belongs to cluster {}", entry.endpoint,
                              etcd::IdText(answer->cluster_id));
    return entry;
  }
  entry.member_id = answer->member_id;
  entry.hash = answer->hash;
  entry.revision = answer->hash_revision;
  entry.compact_revision = answer->compact_revision;
  entry.live_keys = CountKeys(endpoint, revision, answer->member_id);
  return entry;
}

std::vector<ReceiptEntry> CollectReceipt(const etcd::Client& client, const etcd::RollCall& roll,
                                         int64_t revision, int64_t compact_revision) {
  std::vector<ReceiptEntry> entries;
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) {
      entries.push_back(
          {.endpoint = member->address, .error = std::string(MessageOf(member->error))});
      continue;
    }
    ReceiptEntry entry;
    for (const etcd::RollEntry* way : roll.WaysTo(*member)) {
      entry = AskMember(client.endpoints()[way->endpoint], member->status->cluster_id, revision,
                        compact_revision, member->status->db_size_bytes);
      if (entry.error.empty()) break;
    }
    if (entry.member_id == member->status->member_id) entry.etcd_version = member->status->version;
    // Behind an address that stands for many, one that has answered already may answer again.
    const bool again =
        entry.error.empty() && std::ranges::any_of(entries, [&](const ReceiptEntry& e) {
          return e.error.empty() && e.member_id == entry.member_id;
        });
    if (!again) entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace etcdrill::capture
