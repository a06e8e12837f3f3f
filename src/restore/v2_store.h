// The document of the v2 store in a restored member's .snap file. Nobody uses the v2 store any
// more, but etcd up to 3.5 takes its members from it (docs/etcd-formats.md §6.5).
#pragma once

#include <string>

#include "restore/membership.h"

namespace etcdrill::restore {

// The smallest document that etcd 3.4 to 3.6 reads the members from: etcdutl also writes a watcher
// hub of 1,000 empty slots and statistics, which are thrown away when it is read.
std::string V2StoreJson(const NewCluster& cluster);

}  // namespace etcdrill::restore
