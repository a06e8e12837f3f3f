// Who the restored cluster consists of, with the ids that etcd computes itself. Source:
// docs/dev/formats.md §6.1.
//   member id  = first 8 bytes of SHA-1(its sorted peer URLs, then the token), without its name
//   cluster id = first 8 bytes of SHA-1(all member ids, ascending)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace etcdrill::restore {

struct NewMember {
  uint64_t id = 0;
  std::string name;
  std::vector<std::string> peer_urls;  // sorted

  // As etcd stores it in `members` and in the conf-change entry of the WAL.
  std::string ToJson() const;
};

struct NewCluster {
  uint64_t id = 0;
  uint64_t own_id = 0;
  std::vector<NewMember> members;  // sorted by id
};

struct MembershipOptions {
  std::string name = "default";
  std::string initial_cluster = "default=http://localhost:2380";  // "a=http://...,b=http://..."
  std::string token = "etcd-cluster";
  std::vector<std::string> advertise_peer_urls = {"http://localhost:2380"};
};

// kUsage, with the flag to change, if the options contradict each other as etcdutl would say, too.
Result<NewCluster> MakeCluster(const MembershipOptions& options);

// The document of the v2 store in a restored member's .snap file. Nobody uses the v2 store any
// more, but etcd up to 3.5 takes its members from it (docs/dev/formats.md §6.5).
//
// The smallest document that etcd 3.4 to 3.6 reads the members from: etcdutl also writes a watcher
// hub of 1,000 empty slots and statistics, which are thrown away when it is read.
std::string V2StoreJson(const NewCluster& cluster);

}  // namespace etcdrill::restore
