// checks/NAME.json: what was seen of a stored snapshot after it was sealed. The manifest is written
// once and then only read; this is replaced whole each time, and a store without it has merely not
// been looked at.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"

namespace etcdrill {

struct Checks {
  std::optional<WallTime> confirmed;  // last time that the source held nothing newer
  std::optional<WallTime> hashed;     // last time that its bytes were those of the manifest
  std::optional<WallTime> damaged;    // when they were first found not to be; none if right again
  std::optional<WallTime> rehashed;   // when that was last found so
  std::string damage;                 // and how that showed
  // The drill report whose finding was looked into since, and was none. By name, not by time: no
  // clock orders a drill against a look.
  std::string answered;

  // `answers`: what to put there, if not empty.
  void FoundRight(WallTime now, std::string_view answers = "");
  void FoundDamaged(WallTime now, std::string_view how);

  bool operator==(const Checks&) const = default;
};

Json ToJson(const Checks& checks);
// kDamaged if the text is none.
Result<Checks> ParseChecks(std::string_view text);

}  // namespace etcdrill
