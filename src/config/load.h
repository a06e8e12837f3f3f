// YAML to Config. Strict: an unknown or duplicate key, a wrong type, a number without a unit is an
// error, and all errors of a file are told in one pass, each as FILE:LINE:COLUMN.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/config.h"
#include "etcd/client.h"
#include "io/file_system.h"

namespace etcdrill::config {

inline constexpr uint64_t kConfigBytesMax = uint64_t{1} << 20;

// kConfig with one line for each problem; kNotFound and the like if the file can't be read, which
// may pass: a volume that is mounted later.
Result<Config> Load(FileSystem& fs, const std::string& path);
// The same for a text; `path` is for messages and for resolving relative paths.
Result<Config> Parse(std::string_view text, const std::string& path);

// What a reload can't change, because other things stand on it: a port that is open, a store that
// is locked. kConfig, naming each key that differs and needs a restart.
Status CheckReloadable(const Config& now, const Config& wanted);

inline constexpr const char* kDefaultEndpoint = "127.0.0.1:2379";

// Whom a configuration connects to. A file that names no endpoints takes them from
// ETCDCTL_ENDPOINTS: so that one file serves every node of a DaemonSet, each with its own member.
etcd::ConnectionOptions ConnectionOf(const Config& config);

// What a configuration may say, but hardly means, a line for each. Told by `check config`, and once
// when `run` starts. `connection` is the one that follows from the configuration, flags or
// environment.
std::vector<std::string> WarningsOf(const Config& config,
                                    const etcd::ConnectionOptions& connection);

}  // namespace etcdrill::config
