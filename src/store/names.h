// The names of snapshots: those that we give, and what any name says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace etcdrill::store {

// CLUSTER-REVISION(20 digits)-YYYYMMDDThhmmssZ: sorts by cluster, then by age of the data.
std::string SnapshotName(std::string_view cluster, int64_t revision, WallTime taken);
bool IsSnapshotName(std::string_view name);
// Its first part; empty if it is no such name.
std::string_view ClusterOfName(std::string_view name);

// What the name of a snapshot file says about its content: ours name the revision and the time,
// those of others often the time. A claim, not a fact: anybody can rename a file.
struct NameClaims {
  std::optional<int64_t> revision;
  std::optional<WallTime> taken;
  bool utc = false;  // it says so, or how far from UTC it is; else it may be of any zone
};

// `file_name` without its folder. Times are found as 20261122T080000Z, 20261122-080000,
// 2026-11-22_08:00:00 and the like, with Z or an offset behind them (+0000, -0800, +05:30) or not,
// and as seconds since 1970 at the end (k3s, rke2); but if the file ends at `revision`, and the
// digits are about that, they name it: after some years, or a bump, it has as many.
NameClaims ClaimsOfName(std::string_view file_name, std::optional<int64_t> revision = {});

// When the data of a file without a manifest is from: its time of change; or the time in its name,
// if that is explicitly UTC, and older. A name in local time is only a claim. The answer may lie in
// the future: the file's clock may have lied. This is the only such rule:
// docs/dev/adr/0015-adopted.md.
// `revision`: of the file, once it is known.
WallTime TakenAt(std::string_view file_name, WallTime modified,
                 std::optional<int64_t> revision = {});

}  // namespace etcdrill::store
