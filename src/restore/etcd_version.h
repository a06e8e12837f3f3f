// Which etcd a data directory is for, as far as files differ: the minor version of etcd 3. Up to
// 3.4, `meta` has neither term nor confState; from 3.6 on, etcd refuses a file whose storage or
// cluster version is newer than itself (docs/etcd-formats.md §2.5 and §6.6).
#pragma once

#include <string_view>

#include "base/status.h"
#include "format/bbolt/writer.h"

namespace etcdrill::restore {

// 6 from "3.6", "3.6.14" or "v3.6.14"; kUsage for what is not one of the versions that are
// supported, 3.4 to 3.7.
Result<int> ParseEtcdMinor(std::string_view version);

// What the snapshot says of itself: the cluster version or the storage version that its buckets
// name, 5 if there is a term, else 4. A storage version above the cluster version is left over from
// before a downgrade (etcd 3.5 does not remove it) and does not count. Text that is no version
// counts as absent; kEtcdVersion for one of another major version than 3.
Result<int> MinorOfSnapshot(const bbolt::BucketContent& meta, const bbolt::BucketContent& cluster);

}  // namespace etcdrill::restore
