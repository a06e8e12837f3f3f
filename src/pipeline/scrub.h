// Finds what has rotted on the disk: stored snapshots are hashed again, in turn, slowly. Each is due when half of the
// period is over since it was last hashed, so that the other half is there for the others before it. A snapshot that is
// known to be damaged is left alone; one that is cut or gone is recorded at once.
#pragma once

#include <string>
#include <vector>

#include "io/context.h"
#include "pipeline/catalog.h"

namespace etcdrill::pipeline {

// Those that are due, the longest waiting first.
std::vector<store::Manifest> PlanScrub(const Catalog& catalog, Duration period, WallTime now);

// Reads the whole file from the disk, at `bytes_per_second` on average. kDamaged if it is not what the manifest says;
// another error if it can't be read.
Status HashAgain(const Context& context, const std::string& path, const store::Manifest& manifest,
                 uint64_t bytes_per_second);

}  // namespace etcdrill::pipeline
