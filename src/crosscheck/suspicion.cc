// Pure but for what changes a store.
#include "crosscheck/suspicion.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "etcd/roll_call.h"

namespace etcdrill::crosscheck {
namespace {

using Suspects = std::vector<store::Suspect>;

const store::Suspect* Find(const Suspects& suspects, std::string_view cluster,
                           std::string_view member_id) {
  const auto at = std::ranges::find_if(suspects, [&](const store::Suspect& s) {
    return s.cluster == cluster && s.member_id == member_id;
  });
  return at == suspects.end() ? nullptr : &*at;
}

// Each of `side`.
void Suspect(const Occasion& occasion, const Side& side, bool outvoted, Suspects& suspects) {
  const auto least = std::ranges::min_element(side, {}, &Voice::member_id);
  for (const Voice& voice : side) {
    store::Suspect now{.cluster = std::string(occasion.cluster),
                       .member_id = voice.member_id,
                       .endpoint = voice.endpoint,
                       .revision = occasion.revision,
                       .first_revision = occasion.revision,
                       .side = least->member_id,
                       .found = std::chrono::floor<std::chrono::seconds>(occasion.now),
                       .outvoted = outvoted};
    if (const store::Suspect* before = Find(suspects, occasion.cluster, voice.member_id)) {
      now.found = before->found;
      now.revision = std::max(now.revision, before->revision);
      now.first_revision = std::min(now.first_revision, before->first_revision);
      now.outvoted |= before->outvoted;
    }
    std::erase_if(suspects, [&](const store::Suspect& s) {
      return s.cluster == now.cluster && s.member_id == now.member_id;
    });
    suspects.push_back(std::move(now));
  }
}

bool IsOutvoted(std::string_view cluster, const Voice& voice, const Suspects& suspects) {
  const store::Suspect* const suspect = Find(suspects, cluster, voice.member_id);
  return suspect != nullptr && suspect->outvoted;
}

// How many of each side have a vote; where nobody has one, all have.
std::vector<size_t> VotesOf(std::string_view cluster, const Sides& sides,
                            const Suspects& suspects) {
  std::vector<size_t> votes;
  std::vector<size_t> sizes;
  for (const Side& side : sides) {
    sizes.push_back(side.size());
    votes.push_back(static_cast<size_t>(std::ranges::count_if(
        side, [&](const Voice& voice) { return !IsOutvoted(cluster, voice, suspects); })));
  }
  const bool any = std::ranges::any_of(votes, [](size_t n) { return n > 0; });
  return any ? votes : sizes;
}

bool IsIn(const store::Suspect& suspect, const Side& side) {
  return std::ranges::any_of(side,
                             [&](const Voice& v) { return v.member_id == suspect.member_id; });
}

// What those who hold the same here have to do with one tie of before.
struct Tie {
  std::set<std::string> sides;  // of it, that they were on
  bool outsider = false;        // one of them was on none
  // Those of one side alone say nothing new.
  bool IsSettled() const { return outsider || sides.size() > 1; }
  bool IsLostBy(const store::Suspect& s) const {
    return outsider && sides.size() == 1 && !sides.contains(s.side);
  }
};

// By revision.
std::map<int64_t, Tie> TiesOf(std::string_view cluster, const Side& side,
                              const Suspects& suspects) {
  std::map<int64_t, Tie> ties;
  const auto tied = [&](const Voice& voice) {
    const store::Suspect* const s = Find(suspects, cluster, voice.member_id);
    return s != nullptr && !s->outvoted ? s : nullptr;
  };
  for (const Voice& voice : side) {
    if (const store::Suspect* const s = tied(voice)) ties[s->revision].sides.insert(s->side);
  }
  for (auto& [revision, tie] : ties) {
    tie.outsider = std::ranges::any_of(side, [&, at = revision](const Voice& voice) {
      const store::Suspect* const s = tied(voice);
      return s == nullptr || s->revision != at;
    });
  }
  return ties;
}

// `side` is that of most. One alone agrees with itself.
void Clear(const Occasion& occasion, const Side& side, Suspects& suspects) {
  const bool believed = std::ranges::any_of(
      side, [&](const Voice& voice) { return !IsOutvoted(occasion.cluster, voice, suspects); });
  if (side.size() < 2 || !believed) return;
  const std::map<int64_t, Tie> ties = TiesOf(occasion.cluster, side, suspects);
  std::erase_if(suspects, [&](const store::Suspect& s) {
    // What they all held before one of them differed says nothing of it.
    if (s.cluster != occasion.cluster || !IsIn(s, side) || s.revision > occasion.revision)
      return false;
    return s.outvoted || ties.at(s.revision).IsSettled();
  });
  for (store::Suspect& s : suspects) {
    const auto tie = ties.find(s.revision);
    const bool is_of_it =
        s.cluster == occasion.cluster && tie != ties.end() && s.revision <= occasion.revision;
    s.outvoted |= is_of_it && tie->second.IsLostBy(s);
  }
}

}  // namespace

void Weigh(const Occasion& occasion, const Sides& sides, Suspects& suspects) {
  const std::vector<size_t> votes = VotesOf(occasion.cluster, sides, suspects);
  const size_t most = votes.empty() ? 0 : *std::ranges::max_element(votes);
  const bool tie = std::ranges::count(votes, most) > 1;
  for (size_t i = 0; i < sides.size(); ++i) {
    const bool outvoted = votes[i] < most;
    if (outvoted || tie) {
      Suspect(occasion, sides[i], outvoted, suspects);
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
    others |=
        !IsOutvoted(cluster, {.member_id = etcd::IdText(member.id), .endpoint = {}}, suspects);
    members.insert(etcd::IdText(member.id));
  }
  const bool comparable = others && members.size() > 1;
  std::erase_if(suspects, [&](const store::Suspect& s) {
    return s.cluster == cluster && (!comparable || !members.contains(s.member_id));
  });
}

void ForgetAhead(std::string_view cluster, const etcd::RollCall& roll, const Suspects& before,
                 Suspects& suspects) {
  std::optional<int64_t> head;  // of the leader, whom nobody was ahead of
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.standing == etcd::Standing::kMember && entry.status->is_leader())
      head = entry.status->revision;
  }
  std::erase_if(suspects, [&](const store::Suspect& s) {
    const bool was_known = std::ranges::find(before, s) != before.end();
    return s.cluster == cluster && was_known && head.has_value() && *head < s.revision;
  });
}

Status KeepSuspects(const Occasion& occasion, const std::vector<Sides>& comparisons,
                    const etcd::RollCall& roll, store::LocalStore& store) {
  return store.UpdateSuspects([&](Suspects& suspects) {
    Forget(occasion.cluster, roll, suspects);
    for (const Sides& sides : comparisons) Weigh(occasion, sides, suspects);
  });
}

Status ForgetSuspects(std::string_view cluster, const etcd::RollCall& roll, const Suspects& before,
                      store::LocalStore& store) {
  return store.UpdateSuspects([&](Suspects& suspects) {
    Forget(cluster, roll, suspects);
    ForgetAhead(cluster, roll, before, suspects);
  });
}

Outvoted OutvotedOf(std::string_view cluster, const Suspects& suspects) {
  Outvoted outvoted;
  for (const store::Suspect& s : suspects) {
    const auto id = etcd::ParseId(s.member_id);
    if (s.cluster == cluster && s.outvoted && id.has_value()) outvoted[*id] = s.first_revision;
  }
  return outvoted;
}

}  // namespace etcdrill::crosscheck
