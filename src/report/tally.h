// What a store's snapshots and drills add up to, in one pass over each and without a copy of them:
// ten thousand are walked at each scrape. What is not known, or comes from the future, is absent.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "proof/words.h"

namespace etcdrill::report {

struct SnapshotTally {
  // The unreadable are also those whose manifest can't be read.
  std::array<size_t, NamesOf<SnapshotState>().size()> by_state{};
  size_t from_future = 0;    // those whose time lies in the future, whatever their state
  size_t other_history = 0;  // adopted ones of another history
  uint64_t bytes = 0;
  std::optional<WallTime> oldest_taken;
  std::optional<WallTime> oldest_hashed;  // of those that are not known to be damaged

  size_t operator[](SnapshotState state) const { return by_state[static_cast<size_t>(state)]; }
};

SnapshotTally TallySnapshots(const catalog::Catalog& catalog, WallTime now);

// What the drills of the newest snapshot say. Times are Unix seconds.
struct DrillTally {
  double consecutive_failures = 0;
  std::optional<double> started;
  std::optional<double> last_success;
  std::optional<double> last_failure;
  std::optional<double> last_duration_seconds;
  std::optional<double> forecast_seconds;
  std::optional<double> level;
  std::map<StageName, double> stage_seconds;
  std::map<CheckName, bool> checks;
  std::string etcd_version;  // empty until a drill has started one
};

DrillTally TallyDrills(const std::vector<DrillSummary>& drills, WallTime now);

// The last drill of what was the newest snapshot, however many of older ones came after it; null if
// there is none.
const DrillSummary* LastDrillOfNewest(const catalog::Catalog& catalog [[clang::lifetimebound]]);

// Why files of the store can't be read, each.
std::vector<std::string_view> WhyUnreadable(const catalog::Catalog& catalog
                                            [[clang::lifetimebound]]);

// The last of them, at most so many, the last one first.
template <typename Row>
std::vector<const Row*> NewestFirst(const std::vector<Row>& rows [[clang::lifetimebound]],
                                    size_t most) {
  std::vector<const Row*> newest;
  for (auto at = rows.rbegin(); at != rows.rend() && newest.size() < most; ++at)
    newest.push_back(&*at);
  return newest;
}

// What is proven of the data of a snapshot, from 0 to 5. A drill that could not boot its etcd takes
// nothing back of what one before it proved.
int LevelOf(const catalog::CatalogEntry& entry);

}  // namespace etcdrill::report
