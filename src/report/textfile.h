// The result of one `verify` or `drill` for node_exporter's textfile collector, for those who run
// them by cron and have no sidecar to scrape. Names are those of /metrics where they mean the same.
//
// The collector only knows what the file says now, and a run only knows itself. So what earlier
// runs found and this one can't (when the last good one was, how many have failed in a row) is
// carried over from the file that it replaces; but not a time that is yet to come.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proof/words.h"
#include "report/store_metrics.h"
#include "report/tally.h"

namespace etcdrill::report {

struct VerifyRun {
  std::string cluster;  // empty where no configuration names it
  double ended = 0;
  std::optional<double> seconds;
  bool passed = false;
  std::map<Level, bool> levels;            // those that passed or failed
  std::optional<NewestSnapshot> snapshot;  // of one that passed
};

struct DrillRun {
  std::string cluster;  // as above
  double ended = 0;
  DrillTally drill;   // a history of this one
  NewestProof proof;  // of one that passed
};

// `previous` is what the file holds; empty if there is none.
std::string VerifyTextfile(const VerifyRun& run, std::string_view previous);
std::string DrillTextfile(DrillRun run, std::string_view previous);

}  // namespace etcdrill::report
