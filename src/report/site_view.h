// What is known of one site at the moment of a scrape or of a request, as plain values: the rooms
// above fill it, and report/ knows nothing of how sites are read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "objects/metered.h"
#include "proof/words.h"

namespace etcdrill::report {

// Something at a site that should not be so: a copy that is gone, hidden or overwritten, a lock
// that is missing.
struct SiteFindingView {
  Oddity kind = Oddity::kVanished;
  std::string copy;
  std::string text;
};

struct SiteView {
  std::string name;
  std::string address;  // for people, without secrets

  // The last listing that succeeded; none: it never did, and nothing of what stands below up to
  // `problem` is known.
  std::optional<WallTime> listed;
  std::map<SnapshotState, uint64_t> copies;
  uint64_t bytes = 0;  // of all copies, as they lie there
  // The moments whose data they hold (catalog::CatalogEntry::AsOf); none: there is no such copy.
  std::optional<WallTime> newest_copy;
  std::optional<WallTime> newest_proven;      // to level 3 when it was taken, and whole there
  std::optional<WallTime> newest_restorable;  // passed a drill that fetched it from there
  uint64_t waiting = 0;                       // snapshots that have yet to be copied
  std::optional<WallTime> waiting_since;      // when the oldest of them was taken
  // Until when the newest proven copy is locked; none: it is not.
  std::optional<WallTime> locked_until;
  std::optional<WallTime> least_recent_hash;  // of all copies; none: there are none
  std::vector<SiteFindingView> findings;

  // Why the last attempt to work with the site failed; OK: it did not, or there was none.
  Status problem;
  std::optional<WallTime> failing_since;
  bool wants_lock = false;
  bool has_identity = true;  // false: what is encrypted there can't be proven from here
  std::optional<WallTime> credentials_end;
  objects::Traffic traffic;     // since the process started
  uint64_t copied = 0;          // copies that were sealed, since the process started
  uint64_t deleted = 0;         // by retention, since the process started
  uint64_t scrubbed_bytes = 0;  // since the process started
};

}  // namespace etcdrill::report
