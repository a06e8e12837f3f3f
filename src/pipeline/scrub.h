// Finds what has rotted on the disk: stored snapshots are hashed again, in turn, slowly. Each is
// due when half of the period is over since it was last hashed, so that the other half is there for
// the others before it. One that was found damaged has its turn, too: what was read may not have
// been what is on the disk, and then it is right again. One that is cut is recorded at once; one
// that is out of reach, or of which nobody knows what was found, is looked at each time. Left alone
// is what was damaged when it came.
#pragma once

#include <string>
#include <vector>

#include "io/context.h"
#include "pipeline/catalog.h"

namespace etcdrill::pipeline {

// Those that are due, of the catalogue, which must outlive them; the longest waiting first.
std::vector<const CatalogEntry*> PlanScrub(const Catalog& catalog, Duration period, WallTime now);

// Reads the whole file from the disk, at `bytes_per_second` on average. kDamaged if it is there and
// is not what the manifest says; another error if it can't be read or is not there, which says
// nothing of its bytes.
Status HashAgain(const Context& context, const std::string& path, const Manifest& manifest,
                 uint64_t bytes_per_second);

}  // namespace etcdrill::pipeline
