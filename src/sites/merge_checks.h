// What several writers found of one copy. Each has a record of its own, so that none needs a lock;
// the newest finding counts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "proof/checks.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {

// Who made a copy, drilled one, or said that it writes here.
std::set<std::string_view> KnownWriters(const SiteState& state [[clang::lifetimebound]]);

// A finding whose time lies in the future is not newer than another one.
//
// A record that can't be read may tell of damage. So it makes an error, unless the bytes were found
// damaged anyway, or were found right after it was written. One under a name that none of
// `writers` has is somebody's junk, and is passed over. Junk under the name of a writer keeps the
// copy from use until it is hashed again: whoever can write that, can as well write that the copy
// is damaged.
Result<Checks> MergeChecks(const std::map<std::string, SeenChecks>& by_writer,
                           const std::set<std::string_view>& writers, WallTime now);

}  // namespace etcdrill::sites
