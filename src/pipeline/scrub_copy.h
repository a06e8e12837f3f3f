// Finds what has rotted at a site: the bytes of a copy are read back as they lie there and hashed,
// slowly. That needs neither a key nor a disk. Which copy: catalog/plans.h.
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "io/context.h"
#include "pipeline/scrub.h"
#include "sites/copy_record.h"
#include "sites/site.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

// `entry` is that of the copy in the catalogue of its site. The record is written there, by
// the writer that `store` is. Damage is what two fetches over two connections agree on.
ScrubOutcome ScrubCopy(const Context& context, sites::Site& site, const sites::CopyRecord& copy,
                       const catalog::CatalogEntry& entry, const store::LocalStore& store);

}  // namespace etcdrill::pipeline
