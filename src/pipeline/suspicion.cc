// Pure but for what changes a store.
#include "pipeline/suspicion.h"

#include <algorithm>
#include <map>

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

// `side` is that of most. One alone agrees with itself.
void Clear(std::string_view cluster, const Side& side, Suspects& suspects) {
  const bool believed =
      std::any_of(side.begin(), side.end(), [&](const Voice& voice) { return !IsOutvoted(cluster, voice, suspects); });
  if (side.size() < 2 || !believed) return;
  std::erase_if(suspects, [&](const store::Suspect& s) {
    return s.cluster == cluster &&
           std::any_of(side.begin(), side.end(), [&](const Voice& v) { return v.member_id == s.member_id; });
  });
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
  std::map<int64_t, std::map<uint32_t, Side>> by_hash;  // for each compact revision
  for (const capture::ReceiptEntry& entry : round.members) {
    if (!entry.error.empty()) continue;
    if (entry.live_keys.has_value()) by_number[*entry.live_keys].push_back(VoiceOf(entry));
    by_hash[entry.compact_revision][entry.hash].push_back(VoiceOf(entry));
  }
  if (by_number.size() > 1) return {ToSides(std::move(by_number))};
  std::vector<Sides> comparisons;
  const bool none_alive = by_number.contains(0);  // then hashes may vary: formats.md 5
  for (auto& [compact_revision, sides] : by_hash) {
    if (sides.size() == 1 || !none_alive) comparisons.push_back(ToSides(std::move(sides)));
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
      Clear(occasion.cluster, sides[i], suspects);
    }
  }
}

void Forget(std::string_view cluster, const etcd::RollCall& roll, Suspects& suspects) {
  std::set<std::string> members;
  bool others = false;  // some were not outvoted
  if (roll.membership.has_value()) {
    for (const etcd::Member& member : roll.membership->members) {
      others |= !IsOutvoted(cluster, {.member_id = etcd::IdText(member.id), .endpoint = {}}, suspects);
      members.insert(etcd::IdText(member.id));
    }
  }
  const auto is_member = [&](const store::Suspect& s) {
    if (members.empty()) return true;  // nobody knows better
    return others && members.size() > 1 && members.contains(s.member_id);
  };
  const auto is_asked = [&](const store::Suspect& s) {
    return roll.entries.empty() || std::any_of(roll.entries.begin(), roll.entries.end(),
                                               [&](const etcd::RollEntry& e) { return e.address == s.endpoint; });
  };
  std::erase_if(suspects,
                [&](const store::Suspect& s) { return s.cluster == cluster && !(is_member(s) && is_asked(s)); });
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

std::set<uint64_t> OutvotedOf(std::string_view cluster, const Suspects& suspects) {
  std::set<uint64_t> ids;
  for (const store::Suspect& s : suspects) {
    const auto id = etcd::ParseId(s.member_id);
    if (s.cluster == cluster && s.outvoted && id.has_value()) ids.insert(*id);
  }
  return ids;
}

}  // namespace etcdrill::pipeline
