// Which member a snapshot is taken from. A follower before the leader, because a stream reads the
// whole database; and never one whose data may be behind or wrong: a learner, a member without a
// leader, one that lags, one with a CORRUPT alarm, one that the others contradicted when the last
// snapshot was taken.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "etcd/client.h"
#include "etcd/roll_call.h"

namespace etcdrill::capture {

// One endpoint that leads to a member of our cluster.
struct MemberView {
  size_t endpoint = 0;  // index in Client::endpoints()
  std::string address;
  etcd::MemberStatus status;
  bool corrupt = false;  // it has raised that alarm
};

struct Candidate {
  size_t endpoint = 0;
  etcd::MemberStatus status;
  std::string why;  // "follower, 0 entries behind"
};

struct Choice {
  std::vector<Candidate> candidates;  // best first
  std::string passed_over;  // "https://b is a learner; https://c lags 4000 entries behind"
};

// At most so many raft entries may a member's applied index be behind the newest index that any
// member knows.
inline constexpr uint64_t kLagMax = 1000;

// `distrusted` are ids of members.
Choice ChooseAmong(const std::vector<MemberView>& members, const std::set<uint64_t>& distrusted);

// Chooses among those that answered; there is at least one candidate. The error is that of the roll
// call, or names those that answered and can't be used.
Result<std::vector<Candidate>> ChooseMembers(const etcd::Client& client, const etcd::RollCall& roll,
                                             const std::set<uint64_t>& distrusted);

}  // namespace etcdrill::capture
