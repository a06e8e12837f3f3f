// What tasks decide: what is worth a line in the log because it was not told before, and what
// follows from an adoption. No clock, no lock, no log: who asks tells it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "etcd/roll_call.h"
#include "pipeline/take_snapshot.h"
#include "proof/finding.h"

namespace etcdrill::sidecar {

struct EndpointNews {
  enum class Kind { kTorn, kMemberAgain, kSecondName, kNotOurs };
  Kind kind = Kind::kTorn;
  std::string address;  // empty for kTorn, which is of all of them
  std::string why;      // empty for kMemberAgain
};

// What was told of the endpoints. Not thread-safe.
class ToldEndpoints {
 public:
  // Each once, until it changes; if nobody can tell which cluster is ours, that is one for all. One
  // that is silent is no news, and changes nothing.
  std::vector<EndpointNews> NewsOf(const etcd::RollCall& roll);

 private:
  std::map<std::string, std::string> remarks_;  // by address
  std::string torn_;                            // between which clusters
};

// The first warning of each code that is not in `told`, the codes of the snapshot before; those of
// this one are in it afterwards.
std::vector<Finding> NewWarnings(const std::vector<Finding>& findings, std::set<std::string>& told);

// What follows from the attempt to adopt a file of others.
struct AfterAdoption {
  // What becomes of the file.
  enum class File {
    kAdopted,   // it, and what waited with it and is older, is not found again until it changes
    kDone,      // it alone; the others have their turn
    kTryAgain,  // once it was quiet again
  };
  enum class Tell {
    kNothing,
    kOldBytes,      // a new file holds an old snapshot
    kNoSnapshot,    // nobody's backup, and so no attempt that failed
    kOtherHistory,  // it is kept, and counts for nothing
    kOutcome,       // as of any snapshot: taken, or failed for a reason
  };
  File file = File::kTryAgain;
  Tell tell = Tell::kNothing;

  bool operator==(const AfterAdoption&) const = default;
};

// `is_known`: where the bytes are those of a snapshot in the store, whether the file is the very
// one that was adopted, or holds all that the source holds. Not for an interrupted one.
AfterAdoption JudgeAdoption(const Result<pipeline::SnapshotOutcome>& outcome, bool is_known);

}  // namespace etcdrill::sidecar
