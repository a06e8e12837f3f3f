// /api/v1: the same facts for programs. Times are RFC 3339 in UTC; what is not known is null.
#pragma once

#include <string>

#include "report/status/facts.h"

namespace etcdrill::report {

std::string StatusJson(const StatusFacts& facts);
std::string SnapshotsJson(const StatusFacts& facts);
std::string DrillsJson(const StatusFacts& facts);

}  // namespace etcdrill::report
