// A storage or cluster version in a file may be newer than what is supported: it only has to be
// compared.
#include "restore/etcd_version.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "format/etcd_version.h"
#include "format/mvcc/buckets.h"

namespace etcdrill::restore {
namespace {

constexpr int kMinorFirst = 4;
constexpr int kMinorLast = 7;

std::string ValueAt(const bbolt::BucketContent& bucket, std::string_view key) {
  const auto found = bucket.find(std::string(key));
  return found == bucket.end() ? "" : found->second;
}

// "4.0.0": a version by its form, but not of etcd 3.
bool IsOfOtherMajor(std::string_view version) {
  const size_t dot = version.find('.');
  const bool number =
      dot != 0 && dot != std::string_view::npos &&
      version.substr(0, dot).find_first_not_of("0123456789") == std::string_view::npos;
  return number && version.substr(0, dot) != "3";
}

}  // namespace

Result<int> ParseEtcdMinor(std::string_view version) {
  const std::optional<int> minor = EtcdMinorOf(version);
  if (minor.has_value() && *minor >= kMinorFirst && *minor <= kMinorLast) return *minor;
  return Error(Reason::kUsage,
               "--etcd-version {}: not one of 3.{} to 3.{}; write it as 3.5 or 3.5.30", version,
               kMinorFirst, kMinorLast);
}

Result<int> MinorOfSnapshot(const bbolt::BucketContent& meta, const bbolt::BucketContent& cluster) {
  const int writer = meta.contains(std::string(mvcc::kTermKey)) ? 5 : 4;
  const std::string storage_version = ValueAt(meta, mvcc::kStorageVersionKey);
  const std::string cluster_version = ValueAt(cluster, mvcc::kClusterVersionKey);
  for (const std::string& version : {storage_version, cluster_version}) {
    if (!IsOfOtherMajor(version)) continue;
    return Error(Reason::kEtcdVersion,
                 "the snapshot is of etcd {}, which this etcdrill does not know; restore it with "
                 "the tools of that version",
                 Printable(version));
  }
  const std::optional<int> of_cluster = EtcdMinorOf(cluster_version);
  return std::max(writer, of_cluster.value_or(EtcdMinorOf(storage_version).value_or(0)));
}

}  // namespace etcdrill::restore
