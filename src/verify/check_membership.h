// L3: who belongs to the cluster, as far as the file says: the buckets `members` and
// `members_removed`, and the raft configuration in meta/confState. The three drift apart in
// releases with known faults (docs/dev/formats.md §8.1). A restore writes them anew, so nothing
// here makes a snapshot worse as a backup; but the cluster that it comes from carries the fault on,
// and some of these faults break an upgrade to 3.6 or 3.7.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/bbolt/database.h"
#include "proof/finding.h"
#include "verify/report.h"

namespace etcdrill::verify {

// Not thread-safe.
class MembershipCheck {
 public:
  explicit MembershipCheck(Findings& findings) : findings_(findings) {}

  void OnMember(const bbolt::Pair& pair);
  void OnRemovedMember(const bbolt::Pair& pair);
  void OnConfState(const bbolt::Pair& pair);
  // Compares the three, and returns the members.
  std::vector<MemberRecord> Finish();

 private:
  struct ConfState {
    std::set<uint64_t> voters;
    std::set<uint64_t> learners;
  };
  void CheckNames();
  void CompareWithConfState(const MemberRecord& member);
  void ReportDamage(const bbolt::Pair& pair, std::string text);

  Findings& findings_;
  std::vector<MemberRecord> members_;
  std::set<uint64_t> removed_;
  std::optional<ConfState> conf_state_;
};

}  // namespace etcdrill::verify
