// YAML to Config. Strict: an unknown or duplicate key, a wrong type, a number without a unit is an
// error, and all errors of a file are told in one pass, each as FILE:LINE:COLUMN.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "config/config.h"
#include "io/file_system.h"

namespace etcdrill::config {

inline constexpr uint64_t kConfigBytesMax = uint64_t{1} << 20;

// kConfig with one line for each problem; kNotFound and the like if the file can't be read, which
// may pass: a volume that is mounted later.
Result<Config> Load(FileSystem& fs, const std::string& path);
// The same for a text; `path` is for messages and for resolving relative paths.
Result<Config> Parse(std::string_view text, const std::string& path);

}  // namespace etcdrill::config
