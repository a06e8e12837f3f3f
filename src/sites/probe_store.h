// The questions of `check store` that only the store itself can answer. Each is asked by doing what
// a copy does: an object is put, asked back, read, listed, locked, deleted.
//
// The hard fact: an answer of 200 proves nothing. Of five S3 servers that were tried, one ignores
// conditions, one keeps a lock as metadata and deletes all the same, and two do not lock what was
// uploaded in parts (docs/dev/adr/0027-sites.md).
#pragma once

#include <optional>
#include <string_view>

#include "config/config.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "sites/probe.h"

namespace etcdrill::sites {

// All probe objects lie below it, each under a name that is used once.
inline constexpr std::string_view kProbeFolder = "probe/";

struct ProbedStore {
  objects::ObjectStore& objects;
  // The same place, whose puts must fail where there is an object; null: it has no such puts.
  objects::ObjectStore* conditional = nullptr;
  // What copies are to be locked for; none: locks are not asked for.
  std::optional<config::SiteLock> lock = {};
  // The times of objects are those of the site. False where they are handed on from our files.
  bool has_own_times = true;
};

// Adds the answers to the report of the site of this name, and `usable` and `locked_until`. What
// was put is deleted, with what earlier checks had to leave behind; what stays is named.
void ProbeStore(const Context& context, const ProbedStore& store, ProbeReport& report);

}  // namespace etcdrill::sites
