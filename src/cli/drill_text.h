// A drill report for people.
#pragma once

#include <string>

#include "pipeline/drill_report.h"

namespace etcdrill::cli {

std::string DrillText(const pipeline::DrillReport& report);

}  // namespace etcdrill::cli
