// See roll_call.h. Ids are hashes of peer addresses and the cluster's token, so two clusters of one
// member each that were made with the defaults have the same two ids. Where they are in raft tells
// them apart: a member only goes forward.
#include "etcd/roll_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/text.h"

namespace etcdrill::etcd {
namespace {

bool IsBefore(const MemberStatus& a, const MemberStatus& b) {
  return a.raft_term <= b.raft_term && a.raft_applied_index <= b.raft_applied_index &&
         a.revision <= b.revision;
}

bool SameIds(const MemberStatus& a, const MemberStatus& b) {
  return a.cluster_id == b.cluster_id && a.member_id == b.member_id;
}

// Our cluster, or the error. A twin has the ids of another endpoint, but is not the same member.
class Judge {
 public:
  explicit Judge(RollCall& roll) : roll_(roll) {}

  void Run(std::optional<uint64_t> known, const AskAgain& ask_again) {
    for (RollEntry& entry : roll_.entries) {
      if (entry.status.has_value()) FindFirstName(entry, ask_again);
    }
    Decide(known);
    for (RollEntry& entry : roll_.entries) Place(entry);
  }

 private:
  using Camp = std::pair<uint64_t, std::vector<const RollEntry*>>;  // cluster id, its members

  void FindFirstName(RollEntry& entry, const AskAgain& ask_again) {
    const auto first = std::ranges::find_if(roll_.entries, [&](const RollEntry& other) {
      return other.status.has_value() && SameIds(*other.status, *entry.status);
    });
    if (&*first == &entry) return;
    entry.standing = Standing::kSecondName;
    const Result<MemberStatus> again = ask_again(*first);
    // What stands behind many members answers as another one now: then its order in time says
    // nothing.
    const bool can_tell = again.ok() && SameIds(*again, *first->status);
    if (can_tell && !(IsBefore(*first->status, *entry.status) && IsBefore(*entry.status, *again))) {
      Refuse(fmt::format(
          "{} and {} both report member {} of cluster {}, but are different members: two clusters "
          "were created with the same addresses. Remove one of them from the endpoints",
          first->address, entry.address, IdText(entry.status->member_id),
          IdText(entry.status->cluster_id)));
    } else {
      entry.same_as = first->address;
      entry.remark = fmt::format("{} and {} are the same member, {}, which counts once",
                                 first->address, entry.address, IdText(entry.status->member_id));
    }
  }

  void Refuse(std::string why) { roll_.outcome = Error(Reason::kOtherCluster, why); }

  std::vector<Camp> Camps() const {
    std::vector<Camp> camps;
    for (const RollEntry* member : roll_.Members()) {
      if (!member->status.has_value()) continue;
      const auto at = std::ranges::find(camps, member->status->cluster_id, &Camp::first);
      if (at == camps.end()) {
        camps.push_back({member->status->cluster_id, {member}});
      } else {
        at->second.push_back(member);
      }
    }
    return camps;
  }

  void Decide(std::optional<uint64_t> known) {
    if (!roll_.outcome.ok()) return;
    for (const RollEntry& entry : roll_.entries) {
      if (!entry.status.has_value()) error_ = Client::MoreTelling(error_, entry.error);
    }
    const std::vector<Camp> camps = Camps();
    if (camps.empty()) {
      roll_.outcome = Client::NoneAnswered(error_, roll_.entries.size());
      return;
    }
    const bool known_answers =
        std::ranges::any_of(camps, [&](const Camp& camp) { return camp.first == known; });
    if (known.has_value() && !known_answers && !error_.ok()) return WaitFor(*known, camps);
    for (const Camp& camp : camps) {
      const bool most = 2 * camp.second.size() > roll_.Members().size();
      const bool undisputed = camps.size() == 1 && !known.has_value();
      if (camp.first == known || (most && !roll_.cluster_id.has_value()) || undisputed)
        roll_.cluster_id = camp.first;
    }
    if (!roll_.cluster_id.has_value()) {
      Refuse(
          fmt::format("the endpoints belong to different clusters: {}. Remove the endpoints of the "
                      "wrong cluster",
                      ListOf(camps)));
    }
  }

  static std::string ListOf(const std::vector<Camp>& camps) {
    std::string list;
    for (const auto& [id, members] : camps) {
      for (const RollEntry* member : members) {
        list += fmt::format("{}{} of {}", list.empty() ? "" : ", ", member->address, IdText(id));
      }
    }
    return list;
  }

  // Those that are silent may be the cluster that we know.
  void WaitFor(uint64_t known, const std::vector<Camp>& camps) {
    roll_.outcome =
        Annotate(error_,
                 "only {} answers, but the stored snapshots are of cluster {} (after an intended "
                 "restore, remove the endpoints that no longer exist); another endpoint",
                 ListOf(camps), IdText(known));
  }

  void Place(RollEntry& entry) {
    if (!entry.status.has_value()) return;
    if (entry.status->cluster_id == roll_.cluster_id) {
      if (entry.standing == Standing::kSilent) entry.standing = Standing::kMember;
      return;
    }
    entry.standing = Standing::kOtherCluster;
    entry.remark =
        roll_.cluster_id.has_value()
            ? fmt::format(
                  "{} belongs to cluster {}, the others to {}: the member lost its data and "
                  "started a new cluster, or the address is of another cluster. etcdrill ignores "
                  "this endpoint",
                  entry.address, IdText(entry.status->cluster_id), IdText(*roll_.cluster_id))
            : std::string(MessageOf(roll_.outcome));
  }

  RollCall& roll_;
  etcdrill::Status error_;  // the most telling one of those that are silent
};

// Members that the cluster has removed keep its id.
void FindRemoved(const Client& client, RollCall& roll) {
  std::vector<const RollEntry*> members = roll.Members();
  std::erase_if(members, [](const RollEntry* m) { return m->standing != Standing::kMember; });
  const auto rank = [](const RollEntry* m) {
    return std::pair(m->status->is_leader(), m->status->raft_term);
  };
  std::ranges::stable_sort(members, std::ranges::greater(), rank);
  for (const RollEntry* member : members) {
    auto membership = client.endpoints()[member->endpoint].MemberList();
    if (!membership.ok() || membership->cluster_id != roll.cluster_id ||
        membership->members.empty())
      continue;
    roll.membership = *std::move(membership);
    break;
  }
  if (!roll.membership.has_value()) return;
  const std::vector<Member>& list = roll.membership->members;
  for (RollEntry& entry : roll.entries) {
    if (entry.standing != Standing::kMember && entry.standing != Standing::kSecondName) continue;
    const uint64_t id = entry.status->member_id;
    if (std::ranges::any_of(list, [id](const Member& m) { return m.id == id; })) continue;
    entry.standing = Standing::kRemoved;
    entry.remark = fmt::format(
        "{} is member {}, which was removed: the member list of cluster {} does not have it. "
        "etcdrill ignores this endpoint",
        entry.address, IdText(id), IdText(*roll.cluster_id));
  }
}

}  // namespace

std::vector<const RollEntry*> RollCall::Members() const {
  std::vector<const RollEntry*> members;
  for (const RollEntry& entry : entries) {
    const bool counts = entry.standing == Standing::kSilent || entry.standing == Standing::kMember;
    if (counts) members.push_back(&entry);
  }
  return members;
}

std::vector<const RollEntry*> RollCall::WaysTo(const RollEntry& entry) const {
  std::vector<const RollEntry*> ways = {&entry};
  for (const RollEntry& other : entries) {
    const bool same =
        other.standing == Standing::kSecondName && SameIds(*other.status, *entry.status);
    if (same) ways.push_back(&other);
  }
  return ways;
}

std::vector<std::string> RollCall::Remarks() const {
  std::vector<std::string> remarks;
  for (const RollEntry& entry : entries) {
    if (!entry.remark.empty()) remarks.push_back(entry.remark);
  }
  return remarks;
}

RollCall CallRoll(const Client& client, std::optional<uint64_t> known) {
  std::vector<RollEntry> entries;
  for (size_t i = 0; i < client.endpoints().size(); ++i) {
    RollEntry& entry =
        entries.emplace_back(RollEntry{.endpoint = i, .address = client.endpoints()[i].address()});
    auto status = client.endpoints()[i].Status();
    if (status.ok()) {
      entry.status = *std::move(status);
    } else {
      entry.error = status.status();
    }
  }
  return JudgeRoll(client, std::move(entries), known);
}

RollCall JudgeRoll(const Client& client, std::vector<RollEntry> entries,
                   std::optional<uint64_t> known) {
  RollCall roll = JudgeEntries(std::move(entries), known, [&](const RollEntry& e) {
    return client.endpoints()[e.endpoint].Status();
  });
  if (!roll.cluster_id.has_value()) return roll;
  FindRemoved(client, roll);
  const auto is_member = [](const RollEntry& e) { return e.standing == Standing::kMember; };
  if (std::ranges::none_of(roll.entries, is_member)) {
    roll.outcome = Error(Reason::kEtcdError, roll.Remarks().front());
  }
  return roll;
}

RollCall JudgeEntries(std::vector<RollEntry> entries, std::optional<uint64_t> known,
                      const AskAgain& ask_again) {
  RollCall roll{.entries = std::move(entries)};
  Judge(roll).Run(known, ask_again);
  return roll;
}

std::string IdText(uint64_t id) { return fmt::format("{:x}", id); }

std::optional<uint64_t> ParseId(std::string_view text) {
  const auto id = ParseNumber<uint64_t>(text, 16);
  return id != uint64_t{0} ? id : std::nullopt;
}

}  // namespace etcdrill::etcd
