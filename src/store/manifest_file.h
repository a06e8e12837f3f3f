// NAME.json, where it lies, and the order of those who have one.
#pragma once

#include <string>

#include "io/file_system.h"
#include "proof/manifest.h"

namespace etcdrill::store {

// What the file at `path` says; kNotFound if there is none, kDamaged if it is no manifest.
Result<Manifest> ReadManifest(FileSystem& fs, const std::string& path);
// The one beside the file NAME.db; kDamaged also if it is that of another one.
Result<Manifest> ReadManifestOf(FileSystem& fs, const std::string& snapshot_path);

// Which of two snapshots is the older one. A clock may lie, and its lie stays in the name and in
// the manifest for ever; so the order is that in which they were sealed, which each manifest has as
// its place.
//
// Manifests of 0.1.0 have no place. They are older than all that have one, and among themselves go
// by the time at which they were taken; those of the future have none (base/clock.h), go first, and
// by their revision.
bool IsOlder(const Manifest& a, const Manifest& b, WallTime now);

}  // namespace etcdrill::store
