// What the port tells of a cluster: to people a page, to programs the same facts as JSON.
#pragma once

#include <string>

#include "report/view.h"

namespace etcdrill::report {

// One document, rendered here, that needs nothing else. It works without script; the script only
// fetches it anew.
std::string StatusPage(const View& view, const Activity& activity);
// What the browser may do with it: use this style and this script, known by their hashes, and ask
// us again.
const std::string& StatusPagePolicy();

// /api/v1. Times are RFC 3339 in UTC; what is not known is null.
std::string StatusJson(const View& view, const Activity& activity);
// Of these the newest: what is older is in the store, and `etcdrill snapshot list` and `drills
// list` show it.
std::string SnapshotsJson(const View& view);
std::string DrillsJson(const View& view);

}  // namespace etcdrill::report
