// Do all members hold the same data? etcd does not ask itself unless told to, and a corrupt member
// goes on serving (docs/dev/formats.md §8). HashKV costs a member a full scan, so one is asked at
// a time, and rarely.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/receipt.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"
#include "io/context.h"
#include "proof/receipt_view.h"

namespace etcdrill::crosscheck {

struct Consistency {
  int64_t revision = 0;  // that all were asked for
  std::vector<capture::ReceiptEntry> members;
  std::optional<bool> equal;  // none: fewer than two members gave answers that compare
  std::string text;           // what was found, in words
  bool alone = false;         // the endpoints lead to one member only: there is nothing to compare
  etcd::RollCall roll;        // who was asked
};

// Only hashes of one compact revision compare; numbers of keys always do. Members compact at
// slightly different moments, so a round whose answers do not compare is made again, some times.
// `known` is the cluster that the stored snapshots are of.
Consistency CompareMembers(const Context& context, const etcd::Client& client,
                           std::optional<uint64_t> known);

// The judgement on the answers of one round.
void JudgeConsistency(Consistency& round);

// What a round of all members says: one comparison by the numbers of keys, else one for each
// revision that members are compacted at.
std::vector<Sides> SidesOf(const Consistency& round);

// Whether those of the round that are compacted at this revision may be honest, and give hashes
// that differ all the same. The numbers that members count are equal.
bool HashesMayVary(const Consistency& round, int64_t compact_revision);

}  // namespace etcdrill::crosscheck
