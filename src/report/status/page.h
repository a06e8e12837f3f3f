// The status page: one document, rendered here, that needs nothing else. It works without script;
// the script only fetches it anew.
#pragma once

#include <string>

#include "report/status/facts.h"

namespace etcdrill::report {

std::string StatusPage(const StatusFacts& facts);

// What the browser may do with it: use this style and this script, known by their hashes, and ask
// us again.
const std::string& StatusPagePolicy();

}  // namespace etcdrill::report
