// The revision comes from a read through the whole cluster: a member that lags behind would say that nothing is new.
#include "pipeline/unchanged.h"

#include <fmt/format.h>

#include "etcd/ids.h"

namespace etcdrill::pipeline {
namespace {

// The key that `etcdctl endpoint health` reads; whether it exists does not matter.
constexpr const char* kAnyKey = "health";

// An endpoint of another cluster has nothing to say.
Result<int64_t> ReadHead(const etcd::Endpoint& endpoint, uint64_t cluster_id) {
  ASSIGN_OR_RETURN(const etcd::RangeAnswer answer, endpoint.Range({.key = kAnyKey, .count_only = true}));
  if (answer.cluster_id == cluster_id) return answer.head_revision;
  return Error(Reason::kEtcdError,
               fmt::format("{} belongs to cluster {}", endpoint.address(), etcd::IdText(answer.cluster_id)));
}

}  // namespace

const CatalogEntry* FindUnchanged(const Catalog& catalog, etcd::Client& client, std::string_view cluster,
                                  Duration age_max, WallTime now) {
  const CatalogEntry* const newest = catalog.Newest();
  if (newest == nullptr || !newest->IsProven() || newest->manifest.cluster != cluster) return nullptr;
  const Duration age = now - newest->manifest.taken;
  if (age < Duration::zero() || age >= age_max) return nullptr;
  const auto cluster_id = etcd::ParseId(newest->manifest.cluster_id);
  if (!cluster_id.has_value()) return nullptr;
  const auto head = client.Any([&](const etcd::Endpoint& endpoint) { return ReadHead(endpoint, *cluster_id); });
  return head.ok() && *head == newest->manifest.revision ? newest : nullptr;
}

}  // namespace etcdrill::pipeline
