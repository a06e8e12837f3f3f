// A storage or cluster version in a file may be newer than what is supported: it only has to be compared.
#include "restore/etcd_version.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "format/etcd_version.h"
#include "format/mvcc/buckets.h"

namespace etcdrill::restore {
namespace {

constexpr int kMinorFirst = 4;
constexpr int kMinorLast = 7;

std::optional<int> MinorAt(const bbolt::BucketContent& bucket, std::string_view key) {
  const auto found = bucket.find(std::string(key));
  return found == bucket.end() ? std::nullopt : EtcdMinorOf(found->second);
}

}  // namespace

Result<int> ParseEtcdMinor(std::string_view version) {
  const std::optional<int> minor = EtcdMinorOf(version);
  if (minor.has_value() && *minor >= kMinorFirst && *minor <= kMinorLast) return *minor;
  return Error(Reason::kUsage, fmt::format("--etcd-version {}: not one of 3.{} to 3.{}; write it as 3.5 or 3.5.30",
                                           version, kMinorFirst, kMinorLast));
}

int MinorOfSnapshot(const bbolt::BucketContent& meta, const bbolt::BucketContent& cluster) {
  const int writer = meta.contains(std::string(mvcc::kTermKey)) ? 5 : 4;
  return std::max({writer, MinorAt(meta, mvcc::kStorageVersionKey).value_or(0),
                   MinorAt(cluster, mvcc::kClusterVersionKey).value_or(0)});
}

}  // namespace etcdrill::restore
