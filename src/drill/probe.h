// Asks a booted etcd whether it serves what the snapshot holds. Every comparison is made at the
// snapshot's revision, never at the head: booting revokes leases that have run out meanwhile and so
// moves the head (docs/dev/formats.md §6.7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drill/etcd_cluster.h"
#include "drill/result.h"
#include "format/mvcc/hash_kv.h"
#include "io/context.h"

namespace etcdrill::drill {

// What the verifier read from the file.
struct Expectation {
  // At the store's revision. Where it may vary (the booted etcd finishes a compaction that was
  // under way), another answer is not comparable.
  mvcc::HashKv hashkv;
  uint64_t live_keys = 0;
  // Other than 0: an old etcd may boot at this revision, the newest row's, and not at the store's.
  int64_t may_go_back_to = 0;
  std::vector<std::string> alarms;  // "NOSPACE", ... raised in the snapshot
};

// Health of each member, and alarms; these are then disarmed, because they would refuse the reads
// and writes of the next step.
std::vector<Check> CheckHealth(const EtcdCluster& cluster, const Expectation& expected,
                               const Context& context);

// Revision, key count, HashKV, and a write that is taken back; of the first member. Where the
// revision is not comparable, nothing else is asked: it would be asked of another revision.
std::vector<Check> CheckData(const EtcdCluster& cluster, const Expectation& expected,
                             const Context& context);

// The etcd booted at an older revision than the store's, as an old one may.
bool WentBack(const std::vector<Check>& data_checks);

// Every member but the first holds what the snapshot holds.
Check CheckReplicas(const EtcdCluster& cluster, const Expectation& expected);

// A member that is added comes to hold it, too. A restore that gets its raft files wrong gives a
// cluster that works until somebody adds a member, which then stays empty without a word
// (docs/dev/formats.md §6.6).
Check CheckNewMember(EtcdCluster& cluster, const Expectation& expected);

}  // namespace etcdrill::drill
