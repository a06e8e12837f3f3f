// The revision comes from a read through the whole cluster: a member that lags behind would say that nothing is new.
#include "pipeline/unchanged.h"

#include <fmt/format.h>

namespace etcdrill::pipeline {
namespace {

// The key that `etcdctl endpoint health` reads; whether it exists does not matter.
constexpr const char* kAnyKey = "health";

struct Head {
  uint64_t cluster_id = 0;
  int64_t revision = 0;
};

Result<Head> ReadHead(const etcd::Endpoint& endpoint) {
  ASSIGN_OR_RETURN(const etcd::MemberStatus status, endpoint.Status());
  ASSIGN_OR_RETURN(const etcd::RangeAnswer answer, endpoint.Range({.key = kAnyKey, .count_only = true}));
  return Head{status.cluster_id, answer.head_revision};
}

}  // namespace

const CatalogEntry* FindUnchanged(const Catalog& catalog, etcd::Client& client, std::string_view cluster,
                                  Duration age_max, WallTime now) {
  const CatalogEntry* const newest = catalog.Newest();
  if (newest == nullptr || !newest->IsProven() || newest->manifest.cluster != cluster) return nullptr;
  const Duration age = now - newest->manifest.taken;
  if (age < Duration::zero() || age >= age_max) return nullptr;
  const auto head = client.Any(ReadHead);
  const bool same = head.ok() && head->revision == newest->manifest.revision &&
                    fmt::format("{:x}", head->cluster_id) == newest->manifest.cluster_id;
  return same ? newest : nullptr;
}

}  // namespace etcdrill::pipeline
