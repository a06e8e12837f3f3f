// The snapshots of tests/data, unpacked by the build, and copies of them with a known damage.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etcdrill::testing {

// Names without ending, such as "e3530-compacted"; sorted.
std::vector<std::string> SnapshotNames();
std::string SnapshotPath(std::string_view name);       // NAME.db
std::string SnapshotFactsPath(std::string_view name);  // NAME.json

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, std::string_view bytes);

// The file as etcd would stream it: with the trailer of whatever the body is now.
std::string WithRightTrailer(std::string_view snapshot);

}  // namespace etcdrill::testing
