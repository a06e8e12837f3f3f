// Finds what has rotted on the disk: a stored snapshot is hashed again, slowly. Which one:
// catalog/scrub_plan.h.
#pragma once

#include <string>

#include "io/context.h"
#include "proof/manifest.h"

namespace etcdrill::pipeline {

// Reads the whole file from the disk, at `bytes_per_second` on average. kDamaged if it is there and
// is not what the manifest says; another error if it can't be read or is not there, which says
// nothing of its bytes.
Status HashAgain(const Context& context, const std::string& path, const Manifest& manifest,
                 uint64_t bytes_per_second);

}  // namespace etcdrill::pipeline
