// The small objects that a writer leaves beside the copies: what it found of them, its drill
// reports, and that it is there. Each has one writer, or is written once: so none is ever read,
// changed and written back.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "objects/object_store.h"
#include "proof/checks.h"
#include "store/drill_order.h"

namespace etcdrill::sites {

// Makes store.json, of this cluster, if it is missing. Who may put objects may still not look for a
// missing one, and another writer may be quicker: neither keeps a copy from being made.
Status MarkSite(objects::ObjectStore& site, const std::string& cluster, Random& random,
                WallTime now);
// What tells this place from any other at the same address: the `id` of its store.json, or when
// that was made if it is from before there were ids. kNotFound if there is none, kDamaged if it
// says nothing.
Result<std::string> ReadSiteId(objects::ObjectStore& site);
// Replaces what this writer said of the copy before; whole or not at all.
Status WriteChecks(objects::ObjectStore& site, const std::string& copy, const std::string& writer,
                   const Checks& checks);
Status WriteDrillReport(objects::ObjectStore& site, const std::string& writer,
                        const store::DrillFile& report);
// That the writer is at work, and where.
Status WriteWriter(objects::ObjectStore& site, const std::string& writer, const std::string& host,
                   WallTime now);

}  // namespace etcdrill::sites
