// Who is not to be believed, by all comparisons so far. One comparison only hears who answers, so a
// member that was found to differ stays a suspect until it is found to hold the same as one that is
// none, at that revision or a later one, or is no member any more. Members are told apart by their
// ids: behind the address of a service or a load balancer another one answers each time, and
// whoever asks by other addresses asks the same members.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "etcd/roll_call.h"
#include "proof/receipt_view.h"
#include "store/local_store.h"

namespace etcdrill::crosscheck {

// Members that held other data than most, by id, and the revision at which each did first.
using Outvoted = std::map<uint64_t, int64_t>;

struct Occasion {
  std::string_view cluster;  // its cluster.name
  int64_t revision = 0;      // that was compared
  WallTime now;
};
// The fewer become suspects, on a tie both; one that was outvoted before has no vote. Those that
// hold the same as most are well again, if one of them was not outvoted and they differed no later
// than here. One that was in no tie, and holds the same as one side of it, decides it against the
// other.
void Weigh(const Occasion& occasion, const Sides& sides, std::vector<store::Suspect>& suspects);

// Takes out those of the cluster that can't be told from the others any more: it has no such
// member, or only such members. Nobody if nobody knows its members.
void Forget(std::string_view cluster, const etcd::RollCall& roll,
            std::vector<store::Suspect>& suspects);

// Takes out those that differed where the leader is not yet: the source was restored. Only what was
// in `before`, read before the roll was called: what was found since may well be ahead of it.
void ForgetAhead(std::string_view cluster, const etcd::RollCall& roll,
                 const std::vector<store::Suspect>& before, std::vector<store::Suspect>& suspects);

// Forget, and weigh, for what a store keeps; or forget alone. An error says that it could not be
// kept.
Status KeepSuspects(const Occasion& occasion, const std::vector<Sides>& comparisons,
                    const etcd::RollCall& roll, store::LocalStore& store);
Status ForgetSuspects(std::string_view cluster, const etcd::RollCall& roll,
                      const std::vector<store::Suspect>& before, store::LocalStore& store);

// Those whose word has no weight.
Outvoted OutvotedOf(std::string_view cluster, const std::vector<store::Suspect>& suspects);

}  // namespace etcdrill::crosscheck
