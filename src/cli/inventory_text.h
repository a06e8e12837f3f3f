// An inventory for people: the largest groups, and what is encrypted.
#pragma once

#include "cli/output.h"
#include "verify/inventory.h"

namespace etcdrill::cli {

void PrintInventory(const verify::Inventory& inventory, OutputFormat format);

}  // namespace etcdrill::cli
