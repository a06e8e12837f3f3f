// From what the store and the members say to the rows that people see.
#pragma once

#include <string>

#include "etcd/health.h"
#include "pipeline/catalog.h"
#include "report/status/facts.h"

namespace etcdrill::app {

report::History ToHistory(const pipeline::Catalog& catalog);
report::MemberRow ToMemberRow(const std::string& endpoint, const etcd::HealthProbe& probe);

}  // namespace etcdrill::app
