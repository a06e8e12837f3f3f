// From what the store and the members say to the rows that people see.
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "etcd/health.h"
#include "report/status/facts.h"

namespace etcdrill::sidecar {

report::History ToHistory(const catalog::Catalog& catalog);
report::MemberRow ToMemberRow(const std::string& endpoint, const etcd::HealthProbe& probe);

}  // namespace etcdrill::sidecar
