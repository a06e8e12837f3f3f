// A drill report for people.
#pragma once

#include <string>

#include "pipeline/drill_report.h"

namespace etcdrill::app {

std::string DrillText(const pipeline::DrillReport& report);

}  // namespace etcdrill::app
