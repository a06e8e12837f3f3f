// The revision comes from a read through the whole cluster: a member that lags behind would say
// that nothing is new.
#include "crosscheck/unchanged.h"

#include "crosscheck/live_head.h"
#include "crosscheck/receipt_check.h"
#include "etcd/ids.h"

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

const catalog::CatalogEntry* FindUnchanged(const catalog::Catalog& catalog, etcd::Client& client,
                                           std::string_view cluster, Duration age_max,
                                           WallTime now) {
  const catalog::CatalogEntry* const newest = catalog.Newest();
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
