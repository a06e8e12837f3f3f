// suspects.json: members that were found to hold other data than others, and were not found to hold
// the same since. The hard fact: a corrupt member goes on serving (etcd#13766), and may be silent
// until it is the only one that answers. By then retention has deleted the receipts that told of
// it, and a process that was restarted knows nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"

namespace etcdrill::store {

struct Suspect {
  std::string cluster;         // its cluster.name: a store may hold several
  std::string member_id;       // hexadecimal, as etcd prints it
  std::string endpoint;        // that led to it
  int64_t revision = 0;        // at which it differed the last time
  int64_t first_revision = 0;  // the first time
  std::string side;            // the least id of those that held the same as it then
  WallTime found;              // the first time
  bool outvoted = false;       // most members held the same, and it did not; else nobody can tell

  bool operator==(const Suspect&) const = default;
};

Json ToJson(const std::vector<Suspect>& suspects);
// kDamaged if the text is none.
Result<std::vector<Suspect>> ParseSuspects(std::string_view text);

}  // namespace etcdrill::store
