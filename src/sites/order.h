// The order in which the snapshots at a site were sealed, of however many stores they are.
//
// The hard fact: a manifest's place counts within one store, and a store that was made anew, after
// the old one burned down, begins at one. By places alone its first snapshot is older than all that
// the old one left at the site, and retention would take the new ones.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "proof/manifest.h"

namespace etcdrill::sites {

struct Sealed {
  const Manifest* manifest = nullptr;
  std::string_view store;  // whose places can be compared: the writer of a copy
};

// Their numbers, the oldest first; what nothing orders stays as it came. Within a store by
// store::IsOlder; between two stores the time decides, and as a clock may have lied, each counts as
// at least as young as those before it in its own store. A date in the future says nothing.
std::vector<size_t> OrderOfSealing(const std::vector<Sealed>& sealed, WallTime now);

}  // namespace etcdrill::sites
