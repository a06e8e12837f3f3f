// Pure but for what changes a store.
#include "pipeline/suspicion.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "etcd/ids.h"

namespace etcdrill::pipeline {
namespace {

using Suspects = std::vector<store::Suspect>;

Voice VoiceOf(const capture::ReceiptEntry& entry) { return {etcd::IdText(entry.member_id), entry.endpoint}; }

template <typename Key>
Sides ToSides(std::map<Key, Side> groups) {
  Sides sides;
  for (auto& [key, side] : groups) sides.push_back(std::move(side));
  return sides;
}

const store::Suspect* Find(const Suspects& suspects, std::string_view cluster, std::string_view member_id) {
  const auto at = std::find_if(suspects.begin(), suspects.end(), [&](const store::Suspect& s) {
    return s.cluster == cluster && s.member_id == member_id;
  });
  return at == suspects.end() ? nullptr : &*at;
}

void Suspect(const Occasion& occasion, const Voice& voice, bool outvoted, Suspects& suspects) {
  store::Suspect now{.cluster = std::string(occasion.cluster),
                     .member_id = voice.member_id,
                     .endpoint = voice.endpoint,
                     .revision = occasion.revision,
                     .found = std::chrono::floor<std::chrono::seconds>(occasion.now),
                     .outvoted = outvoted};
  if (const store::Suspect* before = Find(suspects, occasion.cluster, voice.member_id)) {
    now.found = before->found;
    now.revision = std::max(now.revision, before->revision);
    now.outvoted |= before->outvoted;
  }
  std::erase_if(suspects,
                [&](const store::Suspect& s) { return s.cluster == now.cluster && s.member_id == now.member_id; });
  suspects.push_back(std::move(now));
}

bool IsOutvoted(std::string_view cluster, const Voice& voice, const Suspects& suspects) {
  const store::Suspect* const suspect = Find(suspects, cluster, voice.member_id);
  return suspect != nullptr && suspect->outvoted;
}

// How many of each side have a vote; where nobody has one, all have.
std::vector<size_t> VotesOf(std::string_view cluster, const Sides& sides, const Suspects& suspects) {
  std::vector<size_t> votes;
  std::vector<size_t> sizes;
  for (const Side& side : sides) {
    sizes.push_back(side.size());
    votes.push_back(static_cast<size_t>(std::count_if(
        side.begin(), side.end(), [&](const Voice& voice) { return !IsOutvoted(cluster, voice, suspects); })));
  }
  const bool any = std::any_of(votes.begin(), votes.end(), [](size_t n) { return n > 0; });
  return any ? votes : sizes;
}

bool IsIn(const store::Suspect& suspect, const Side& side) {
  return std::any_of(side.begin(), side.end(), [&](const Voice& v) { return v.member_id == suspect.member_id; });
}

// `side` is that of most. One alone agrees with itself.
void Clear(const Occasion& occasion, const Side& side, Suspects& suspects) {
  const bool believed = std::any_of(side.begin(), side.end(),
                                    [&](const Voice& voice) { return !IsOutvoted(occasion.cluster, voice, suspects); });
  if (side.size() < 2 || !believed) return;
  // What they all held before one of them differed says nothing of it.
  const auto is_cleared = [&](const store::Suspect& s) {
    return s.cluster == occasion.cluster && IsIn(s, side) && s.revision <= occasion.revision;
  };
  std::set<int64_t> ties;  // that are decided
  for (const store::Suspect& s : suspects) {
    if (is_cleared(s) && !s.outvoted) ties.insert(s.revision);
  }
  std::erase_if(suspects, is_cleared);
  for (store::Suspect& s : suspects) {
    s.outvoted |= s.cluster == occasion.cluster && ties.contains(s.revision) && !IsIn(s, side);
  }
}

}  // namespace

Sides SidesOf(const store::Manifest& manifest) {
  std::map<std::string, Side> groups;  // by result
  std::set<std::string> told;
  for (const store::ReceiptRecord& record : manifest.receipt) {
    if (record.result != "equal" && record.result != "differs") continue;
    groups[record.result].push_back({record.member_id, record.endpoint});
    told.insert(record.member_id);
  }
  // What was copied is what that member held, whatever it answers now.
  if (!manifest.member_id.empty() && told.insert(manifest.member_id).second) {
    groups["equal"].push_back({manifest.member_id, manifest.endpoint});
  }
  if (manifest.other_history || !groups.contains("equal")) return {};
  return ToSides(std::move(groups));
}

std::vector<Sides> SidesOf(const Consistency& round) {
  std::map<int64_t, Side> by_number;
  std::map<int64_t, std::vector<capture::ReceiptEntry>> answers;  // by compact revision
  for (const capture::ReceiptEntry& entry : round.members) {
    if (!entry.error.empty()) continue;
    if (entry.live_keys.has_value()) by_number[*entry.live_keys].push_back(VoiceOf(entry));
    answers[entry.compact_revision].push_back(entry);
  }
  if (by_number.size() > 1) return {ToSides(std::move(by_number))};
  std::vector<Sides> comparisons;
  for (const auto& [compact_revision, alike] : answers) {
    std::map<uint32_t, Side> by_hash;
    for (const capture::ReceiptEntry& entry : alike) by_hash[entry.hash].push_back(VoiceOf(entry));
    if (by_hash.size() == 1 || !HashesMayVary(alike)) comparisons.push_back(ToSides(std::move(by_hash)));
  }
  return comparisons;
}

void Weigh(const Occasion& occasion, const Sides& sides, Suspects& suspects) {
  const std::vector<size_t> votes = VotesOf(occasion.cluster, sides, suspects);
  const size_t most = votes.empty() ? 0 : *std::max_element(votes.begin(), votes.end());
  const bool tie = std::count(votes.begin(), votes.end(), most) > 1;
  for (size_t i = 0; i < sides.size(); ++i) {
    const bool outvoted = votes[i] < most;
    if (outvoted || tie) {
      for (const Voice& voice : sides[i]) Suspect(occasion, voice, outvoted, suspects);
    } else {
      Clear(occasion, sides[i], suspects);
    }
  }
}

void Forget(std::string_view cluster, const etcd::RollCall& roll, Suspects& suspects) {
  if (!roll.membership.has_value()) return;
  std::set<std::string> members;
  bool others = false;  // some were not outvoted
  for (const etcd::Member& member : roll.membership->members) {
    others |= !IsOutvoted(cluster, {.member_id = etcd::IdText(member.id), .endpoint = {}}, suspects);
    members.insert(etcd::IdText(member.id));
  }
  const bool comparable = others && members.size() > 1;
  std::optional<int64_t> head;  // of the leader, whom nobody is ahead of
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.standing == etcd::Standing::kMember && entry.status->is_leader()) head = entry.status->revision;
  }
  std::erase_if(suspects, [&](const store::Suspect& s) {
    const bool went_back = head.has_value() && *head < s.revision;
    return s.cluster == cluster && (!comparable || !members.contains(s.member_id) || went_back);
  });
}

Status KeepSuspects(const Occasion& occasion, const std::vector<Sides>& comparisons, const etcd::RollCall& roll,
                    store::LocalStore& store) {
  return store.UpdateSuspects([&](Suspects& suspects) {
    Forget(occasion.cluster, roll, suspects);
    for (const Sides& sides : comparisons) Weigh(occasion, sides, suspects);
  });
}

Status ForgetSuspects(std::string_view cluster, const etcd::RollCall& roll, store::LocalStore& store) {
  return store.UpdateSuspects([&](Suspects& suspects) { Forget(cluster, roll, suspects); });
}

Outvoted OutvotedOf(std::string_view cluster, const Suspects& suspects) {
  Outvoted outvoted;
  for (const store::Suspect& s : suspects) {
    const auto id = etcd::ParseId(s.member_id);
    if (s.cluster == cluster && s.outvoted && id.has_value()) outvoted[*id] = s.revision;
  }
  return outvoted;
}

}  // namespace etcdrill::pipeline
