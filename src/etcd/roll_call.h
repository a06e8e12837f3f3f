// Who answers behind each endpoint. Addresses prove nothing: two may lead to one member
// (kubernetes#22581), and one may lead to another cluster, that of a member which lost its data and
// began anew, say (etcd#8788). So members are told apart by their ids, and clusters by theirs.
// Which cluster is ours, and why: docs/dev/adr/0021-whose-cluster.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "etcd/client.h"
#include "etcd/types.h"

namespace etcdrill::etcd {

enum class Standing {
  kSilent,        // it does not say who it is: it is down, or the user may not ask
  kMember,        // of our cluster, under its first name
  kSecondName,    // of a member that an endpoint before this one leads to
  kRemoved,       // has our cluster's id, but is not in its list of members
  kOtherCluster,  // or nobody can tell whether it is ours
};

struct RollEntry {
  size_t endpoint = 0;  // index in Client::endpoints()
  std::string address;
  std::optional<MemberStatus> status;  // not set: kSilent
  etcdrill::Status error;              // why, then
  Standing standing = Standing::kSilent;
  std::string same_as;  // the address of the endpoint that leads to the same member; of kSecondName
  std::string remark;   // what a person has to know about it; empty for kSilent and kMember
};

struct RollCall {
  std::vector<RollEntry> entries;        // one for each endpoint, in their order
  std::optional<uint64_t> cluster_id;    // ours; none: see `outcome`
  etcdrill::Status outcome;              // OK if a member of our cluster answers
  std::optional<Membership> membership;  // as the leader has it, if it can be asked

  // Each member once, and the endpoints that are silent.
  std::vector<const RollEntry*> Members() const;
  // The endpoints that lead to the member of `entry`: itself, then its other names.
  std::vector<const RollEntry*> WaysTo(const RollEntry& entry) const;
  // Those of the entries.
  std::vector<std::string> Remarks() const;
};

// Asks each endpoint for its Status. `known` is the cluster that the stored snapshots are of.
RollCall CallRoll(const Client& client, std::optional<uint64_t> known);

// The same where Status was asked before: the entries are filled but for `standing` and `remark`.
// Asks the leader for its list of members, and an endpoint for its Status once more if another
// claims to lead to the same member.
RollCall JudgeRoll(const Client& client, std::vector<RollEntry> entries,
                   std::optional<uint64_t> known);

// The judgement, without the list of members. `ask_again` asks an endpoint for its Status.
using AskAgain = std::function<Result<MemberStatus>(const RollEntry&)>;
RollCall JudgeEntries(std::vector<RollEntry> entries, std::optional<uint64_t> known,
                      const AskAgain& ask_again);

// Ids of clusters and members as text: hexadecimal without leading zeros, as etcdctl prints them
// and manifests hold them.
std::string IdText(uint64_t id);
// None if the text is no id; 0 is none either.
std::optional<uint64_t> ParseId(std::string_view text);

}  // namespace etcdrill::etcd
