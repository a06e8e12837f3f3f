// An inventory for people: the largest groups, and what is encrypted.
#pragma once

#include "app/output.h"
#include "verify/inventory.h"

namespace etcdrill::app {

void PrintInventory(const verify::Inventory& inventory, OutputFormat format);

}  // namespace etcdrill::app
