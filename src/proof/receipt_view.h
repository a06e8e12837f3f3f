// What the receipt of a manifest says: who holds what the snapshot holds. Members are counted by
// their ids: one that answers under two names has one voice.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proof/manifest.h"

namespace etcdrill {

struct Voice {
  std::string member_id;
  std::string endpoint;
};
using Side = std::vector<Voice>;  // members that hold the same
using Sides = std::vector<Side>;  // of one comparison: each two of them hold different data

// What a receipt says: the sides of those that hold what the snapshot holds, and of those that
// don't. Empty if nobody holds the same: then the file may be the odd one.
Sides SidesOf(const Manifest& manifest);

template <typename Key>
Sides ToSides(std::map<Key, Side> groups) {
  Sides sides;
  for (auto& [key, side] : groups) sides.push_back(std::move(side));
  return sides;
}

// Where the members stood when a snapshot was taken.
struct Disagreement {
  bool of_majority = true;  // the snapshot holds what most members hold
  std::string text;         // empty if nobody disagreed
};
Disagreement DisagreementOf(const Manifest& manifest);

struct ReceiptCount {
  size_t equal = 0;          // members that hold what the snapshot holds
  size_t members = 0;        // that were asked
  bool of_outvoted = false;  // one that most others differed from holds the same
};
ReceiptCount CountReceipt(const Manifest& manifest);

// Whether members were found to hold the same. None if it takes two to tell: the one that was
// copied agrees with itself.
std::optional<bool> MembersAgreed(const Manifest& manifest);

}  // namespace etcdrill
