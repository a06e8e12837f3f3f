// The `db` file of a restored member: the snapshot's pages, with those buckets rewritten that say who the cluster is.
#pragma once

#include <string>

#include "base/status.h"
#include "io/file_system.h"
#include "restore/membership.h"

namespace etcdrill::restore {

// Writes `target` (0600) from the snapshot; returns its size in bytes. Unsynced unless `sync`.
Result<uint64_t> WriteDatabase(FileSystem& fs, const ReadableFile& snapshot, const std::string& target,
                               const NewCluster& cluster, bool drop_auth, bool sync);

}  // namespace etcdrill::restore
