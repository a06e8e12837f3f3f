// NAME.json, where it lies.
#pragma once

#include <string>

#include "io/file_system.h"
#include "proof/manifest.h"

namespace etcdrill::store {

// What the file at `path` says; kNotFound if there is none, kDamaged if it is no manifest.
Result<Manifest> ReadManifest(FileSystem& fs, const std::string& path);
// The one beside the file NAME.db; kDamaged also if it is that of another one.
Result<Manifest> ReadManifestOf(FileSystem& fs, const std::string& snapshot_path);

}  // namespace etcdrill::store
