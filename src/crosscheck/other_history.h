// Whose history is an adopted file of, if no member holds the same? Members answer for theirs, and
// where nothing compares, the file itself names its members (docs/dev/adr/0008-lineage.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "capture/receipt.h"
#include "catalog/catalog.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"
#include "proof/manifest.h"

namespace etcdrill::crosscheck {

using MembersByCluster = std::map<uint64_t, std::set<uint64_t>>;  // ids

// Ids of members, and a place in raft, that tell whose a file is.
struct MemberIds {
  std::set<uint64_t> file;        // that it names; none: it says nothing
  MembersByCluster store;         // that earlier snapshots were compared with
  std::optional<uint64_t> index;  // of the last raft entry in the file
};

// The ids that the snapshots of the store tell of.
MembersByCluster MembersOf(const catalog::Catalog& catalog, std::string_view cluster);

// How the file differs from the source, in words; empty if nothing shows that it does. `voters` are
// the members whose answers compare with it; none of them holds the same.
std::string FindOtherHistory(const etcd::Client& client, const etcd::RollCall& roll,
                             std::vector<capture::ReceiptEntry> voters, const Manifest& manifest,
                             const MemberIds& ids);

// The part of it for a file that compares with nobody: not one of its members is, or was, one of
// the source's. Empty as well if either side is not known.
std::string FindOtherMembers(const etcd::RollCall& roll, const MemberIds& ids);

// The part of it for a file of members that are the source's: a restore with the same addresses and
// token leaves their ids, but begins the raft log anew, and nobody is ever behind what a file of
// its own log ends with. Empty as well if the source, or its log, is beyond it.
std::string FindOtherLog(const etcd::Client& client, const etcd::RollCall& roll,
                         const MemberIds& ids);

}  // namespace etcdrill::crosscheck
