// The order in which drill reports were written. Their names hold a time, and the clock that gave
// it may have lied; but each report names the one before it (pipeline/drill_report), and that
// makes a row.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill::store {

// The report before another one; no name: that one is the first.
struct DrillLink {
  std::string name;
  std::string sha256;  // empty: it could not be read when its successor was written
};

struct DrillFile {
  std::string name;  // NAME-UTC
  std::string json;
  Status problem = OkStatus();             // why the file can't be read; then `json` is empty
  std::optional<DrillLink> previous = {};  // what it says of that (PreviousDrill)
};

// What a report says of the one before it; nullopt if nothing.
std::optional<DrillLink> PreviousDrill(std::string_view json);

// `drills` come by name. What names one that is not there, or none, begins a row of its own, at the
// place of its name.
std::vector<DrillFile> InOrderOfWriting(std::vector<DrillFile> drills);

// The time at the end of a report's name: the snapshot's name before it has a time, too.
std::string_view TimeOfDrillName(std::string_view name);

// The rest of it: the snapshot's, or that of a copy at a site (sites/layout.h).
std::string_view SnapshotOfDrillName(std::string_view name);

// The time for the name of a report that ends now and follows `last`: later than it, so that names
// rise with each report, also where a drill that began earlier ends later, or two end in one
// second. A name from the future is not followed there.
WallTime NextDrillTime(const std::string& last, WallTime finished);

}  // namespace etcdrill::store
