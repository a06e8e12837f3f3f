// Finds what has rotted on the disk: a stored snapshot is hashed again, slowly, and what was found
// is recorded. Which one: catalog/plans.h.
#pragma once

#include "catalog/catalog.h"
#include "io/context.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

struct ScrubOutcome {
  // kDamaged if the file is there and is not what the manifest says; another error if it can't be
  // read or is not there, which says nothing of its bytes; kInterrupted if a stop came.
  Status bytes;
  bool right_again = false;  // it was found damaged, or could not be read, before
  Status recorded;           // why the record could not be written, if it could not
};

// Reads the whole file from the disk, at `bytes_per_second` on average. `entry` is of `store`, and
// is in use. A record that the disk refuses counts in this process (store/unkept.h).
ScrubOutcome ScrubSnapshot(const Context& context, const catalog::CatalogEntry& entry,
                           uint64_t bytes_per_second, store::LocalStore& store);

}  // namespace etcdrill::pipeline
