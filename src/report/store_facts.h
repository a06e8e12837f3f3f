// What the metrics show of a store, from its catalogue.
#pragma once

#include "catalog/catalog.h"
#include "report/metrics.h"

namespace etcdrill::report {

StoreFacts ToStoreFacts(const catalog::Catalog& catalog);

}  // namespace etcdrill::report
