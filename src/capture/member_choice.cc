// The judgement is a pure function of what the members say of themselves.
#include "capture/member_choice.h"

#include <fmt/format.h>

#include <algorithm>

namespace etcdrill::capture {
namespace {

// How far it is behind the newest entry that anybody knows of.
uint64_t Lag(const etcd::MemberStatus& status, uint64_t newest_index) {
  return newest_index - std::min(newest_index, status.raft_applied_index);
}

// Empty if it may be copied.
std::string WhyNot(const MemberView& member, uint64_t newest_index,
                   const std::set<uint64_t>& distrusted) {
  if (member.status.is_learner) return "is a learner";
  if (member.status.leader_id == 0) return "has no leader";
  if (member.corrupt) return "has raised a CORRUPT alarm";
  if (distrusted.contains(member.status.member_id))
    return "held data that differs from most members, and no later comparison found it equal";
  const uint64_t lag = Lag(member.status, newest_index);
  return lag > kLagMax ? fmt::format("is {} entries behind", lag) : "";
}

// Members with a CORRUPT alarm, as the first of them that can be asked says.
std::set<uint64_t> CorruptMembers(const etcd::Client& client,
                                  const std::vector<MemberView>& members) {
  std::set<uint64_t> ids;
  for (const MemberView& member : members) {
    const auto alarms = client.endpoints()[member.endpoint].Alarms();
    if (!alarms.ok()) continue;
    for (const etcd::Alarm& alarm : *alarms) {
      if (alarm.type == etcd::AlarmType::kCorrupt) ids.insert(alarm.member_id);
    }
    break;
  }
  return ids;
}

}  // namespace

Choice ChooseAmong(const std::vector<MemberView>& members, const std::set<uint64_t>& distrusted) {
  uint64_t newest_index = 0;
  for (const MemberView& m : members) newest_index = std::max(newest_index, m.status.raft_index);
  Choice choice;
  for (const MemberView& m : members) {
    const std::string why_not = WhyNot(m, newest_index, distrusted);
    if (!why_not.empty()) {
      choice.passed_over +=
          fmt::format("{}{} {}", choice.passed_over.empty() ? "" : "; ", m.address, why_not);
      continue;
    }
    choice.candidates.push_back(
        {m.endpoint, m.status,
         fmt::format("{}, {} entries behind", m.status.role(), Lag(m.status, newest_index))});
  }
  // Among followers the order of the configuration stays: a lag of a few entries is only the time
  // between two answers.
  std::ranges::stable_sort(choice.candidates, {},
                           [](const Candidate& c) { return c.status.is_leader(); });
  return choice;
}

Result<std::vector<Candidate>> ChooseMembers(const etcd::Client& client, const etcd::RollCall& roll,
                                             const std::set<uint64_t>& distrusted) {
  RETURN_IF_ERROR(roll.outcome);
  std::vector<MemberView> members;
  for (const etcd::RollEntry& entry : roll.entries) {
    // Another name is another way, which may be open when the first one is not.
    const bool ours =
        entry.standing == etcd::Standing::kMember || entry.standing == etcd::Standing::kSecondName;
    if (ours) members.push_back({entry.endpoint, entry.address, *entry.status});
  }
  const std::set<uint64_t> corrupt = CorruptMembers(client, members);
  for (MemberView& m : members) m.corrupt = corrupt.contains(m.status.member_id);
  Choice choice = ChooseAmong(members, distrusted);
  if (!choice.candidates.empty()) return std::move(choice.candidates);
  return Error(Reason::kEtcdError, "no member is fit for a snapshot: {}", choice.passed_over);
}

}  // namespace etcdrill::capture
