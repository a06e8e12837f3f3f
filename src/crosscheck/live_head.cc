// A linearizable read: its answer has the revision.
#include "crosscheck/live_head.h"

#include "crosscheck/receipt_check.h"
#include "etcd/roll_call.h"

namespace etcdrill::crosscheck {
namespace {

// By the member behind this endpoint. A source that was restored comes to the same revision again,
// with other data.
Result<bool> IsAllThatItHolds(const etcd::Endpoint& endpoint, uint64_t cluster_id,
                              const Manifest& m) {
  ASSIGN_OR_RETURN(const int64_t head, ReadHead(endpoint, cluster_id));
  if (head != m.revision) return false;
  ASSIGN_OR_RETURN(const etcd::MemberStatus status, endpoint.Status());
  return IsKnownEqual(m, capture::AskMember(endpoint, cluster_id, m.revision, m.compact_revision,
                                            status.db_size_bytes));
}

}  // namespace

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

const catalog::CatalogEntry* FindUnchanged(const catalog::Catalog& catalog, etcd::Client& client,
                                           std::string_view cluster, Duration age_max,
                                           WallTime now) {
  const catalog::CatalogEntry* const newest = catalog.Newest(now);
  if (newest == nullptr || !newest->IsProven() || newest->manifest.cluster != cluster)
    return nullptr;
  const Duration age = now - newest->manifest.taken;
  if (age < Duration::zero() || age >= age_max) return nullptr;
  const auto cluster_id = etcd::ParseId(newest->manifest.cluster_id);
  if (!cluster_id.has_value()) return nullptr;
  const auto same = client.Any([&](const etcd::Endpoint& endpoint) {
    return IsAllThatItHolds(endpoint, *cluster_id, newest->manifest);
  });
  return same.ok() && *same ? newest : nullptr;
}

}  // namespace etcdrill::crosscheck
