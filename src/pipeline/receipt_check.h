// Compares a fresh snapshot with the live members, exactly: the file is hashed again for the compact revision of each
// member that has compacted further meanwhile (formats.md 5).
#pragma once

#include <string>

#include "etcd/client.h"
#include "io/context.h"
#include "store/manifest.h"

namespace etcdrill::pipeline {

// Fills manifest.receipt. kMembersDisagree, naming the members, if one holds different data; a member that can't be
// asked, or whose answer does not compare, is no proof of anything.
Status CompareWithMembers(const Context& context, const etcd::Client& client, const std::string& path,
                          store::Manifest& manifest);

}  // namespace etcdrill::pipeline
