// What the status page and /api/v1 show, as plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "proof/drill_summary.h"
#include "proof/words.h"
#include "report/metrics.h"

namespace etcdrill::report {

// Rows kept for people; what is older is in the store, and `etcdrill snapshot list` and `drills
// list` show it.
inline constexpr size_t kSnapshotRowsMax = 1000;
inline constexpr size_t kDrillRowsMax = 200;

struct SnapshotRow {
  std::string name;
  WallTime taken;
  int64_t revision = 0;
  uint64_t keys = 0;
  uint64_t size_bytes = 0;
  std::string sha256;
  SnapshotState state = SnapshotState::kUntested;
  int level = 0;               // of proof, 0 to 5
  bool other_history = false;  // it counts for nothing
  std::optional<WallTime> drilled;
};

// Newest first.
struct History {
  std::vector<SnapshotRow> snapshots;
  size_t snapshots_total = 0;
  std::vector<DrillSummary> drills;
  size_t drills_total = 0;
  // The last drill of the newest snapshot, however many of older ones came after it.
  std::optional<DrillSummary> last_of_newest;
};

struct MemberRow {
  std::string endpoint;
  bool healthy = false;
  std::string problem;
  std::string same_as;  // the endpoint before it that leads to the same member; mostly empty
  std::string role;     // leader, follower or learner; this and the rest: unknown if it was silent
  std::string member_id;   // hex
  std::string cluster_id;  // hex; of another cluster than the others' if that is its problem
  std::string version;
  std::optional<int64_t> revision;
  uint64_t db_size_bytes = 0;
  uint64_t db_in_use_bytes = 0;
  Duration latency{};
};

struct Health {
  WallTime checked;
  std::vector<MemberRow> members;
  std::vector<std::string> alarms;  // that are raised
};

struct StatusFacts {
  WallTime now;
  std::string cluster;
  std::string store_problem;  // why the store could not be read the last time; empty: it could
  History history;
  std::optional<Health> health;  // none: not asked yet
  FixedFacts fixed;
  StoreFacts store;
  Activity activity;
};

}  // namespace etcdrill::report
