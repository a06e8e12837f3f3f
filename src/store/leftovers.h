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

// ".NAME.json.part": the manifest of a snapshot that is not sealed yet, or not any more.
std::string UnsealedName(std::string_view snapshot);

// All `names` are sorted.
//
// The snapshots, of the store's own directory, that have a file but no manifest.
std::vector<std::string> UnprovenIn(const std::vector<std::string>& names);
// Those of them that are ours and unfinished. The others may be the only copy that somebody has.
std::vector<std::string> UnsealedIn(const std::vector<std::string>& names);
// Of the store's own directory: unfinished files, but neither those snapshots nor what proves that
// they are unfinished.
std::vector<std::string> LeftInStore(const std::vector<std::string>& names);
// Of the names in drills/: unfinished reports.
std::vector<std::string> LeftInDrills(const std::vector<std::string>& names);
// Of the names in checks/: unfinished records, and those of snapshots that have neither file nor
// manifest in `store_names`.
std::vector<std::string> LeftInChecks(const std::vector<std::string>& names,
                                      const std::vector<std::string>& store_names);

}  // namespace etcdrill::store
