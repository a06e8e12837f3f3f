// By its name alone: what a killed or failed run left in a store. Anything else there is
// somebody's, and stays.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill::store {

// ".RANDOM.db.part": a snapshot that is not sealed yet.
std::string StagingName(uint64_t random);

// Of `names`, sorted, of the store's own directory: unfinished files, and snapshots without a
// manifest.
std::vector<std::string> LeftInStore(const std::vector<std::string>& names);
// Of the names in drills/: unfinished reports.
std::vector<std::string> LeftInDrills(const std::vector<std::string>& names);
// Of the names in checks/: unfinished records, and those of snapshots that have no manifest in
// `store_names`.
std::vector<std::string> LeftInChecks(const std::vector<std::string>& names,
                                      const std::vector<std::string>& store_names);

}  // namespace etcdrill::store
