// Asks a booted etcd whether it serves what the snapshot holds. Every comparison is made at the snapshot's revision,
// never at the head: booting revokes leases that have run out meanwhile and so moves the head (peers.md 3.3, ebr#1046).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "drill/result.h"
#include "etcd/scratch_client.h"
#include "io/context.h"

namespace etcdrill::drill {

// What the verifier read from the file.
struct Expectation {
  int64_t revision = 0;  // the store's current revision
  uint64_t live_keys = 0;
  uint32_t hashkv = 0;  // at that revision
  int64_t compact_revision = 0;
  // The booted etcd finishes a compaction that was under way, and without a live key the hash then changes.
  bool hashkv_may_vary = false;
  std::vector<std::string> alarms;  // "NOSPACE", ... raised in the snapshot
};

// Health and alarms; alarms are then disarmed, because they would refuse the reads and writes of the next step.
std::vector<Check> CheckHealth(const etcd::ScratchClient& client, const Expectation& expected, const Context& context);

// Revision, key count, HashKV, and a write that is taken back.
std::vector<Check> CheckData(const etcd::ScratchClient& client, const Expectation& expected, const Context& context);

}  // namespace etcdrill::drill
