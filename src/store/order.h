// Which of two snapshots is the older one. A clock may lie, and its lie stays in the name and in
// the manifest for ever; so the order is that in which they were sealed, which each manifest has as
// its place.
#pragma once

#include "proof/manifest.h"

namespace etcdrill::store {

// Manifests of 0.1.0 have no place. They are older than all that have one, and among themselves go
// by the time at which they were taken; those of the future have none (base/clock.h), go first, and
// by their revision.
bool IsOlder(const Manifest& a, const Manifest& b, WallTime now);

}  // namespace etcdrill::store
