// A linearizable read: its answer has the revision.
#include "crosscheck/live_head.h"

#include "etcd/ids.h"

namespace etcdrill::crosscheck {

Result<int64_t> ReadHead(const etcd::Endpoint& endpoint, uint64_t cluster_id) {
  ASSIGN_OR_RETURN(const etcd::RangeAnswer answer,
                   endpoint.Range({.key = etcd::kHealthKey, .count_only = true}));
  if (answer.cluster_id == cluster_id) return answer.head_revision;
  return Error(Reason::kEtcdError, "{} belongs to cluster {}", endpoint.address(),
               etcd::IdText(answer.cluster_id));
}

Result<int64_t> ReadHead(const etcd::Client& client, const etcd::RollCall& roll) {
  if (!roll.outcome.ok()) return roll.outcome;
  Result<int64_t> head = Error(Reason::kEtcdError, "no member answers");
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) continue;
    head = ReadHead(client.endpoints()[member->endpoint], *roll.cluster_id);
    if (head.ok()) break;
  }
  return head;
}

}  // namespace etcdrill::crosscheck
