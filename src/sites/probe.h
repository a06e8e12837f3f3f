// What a site really does with what it is told: `check store`. Probe objects are written below
// `probe/`, asked back, overwritten, locked, listed and deleted again; none of it is a copy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/status.h"
#include "io/context.h"
#include "objects/retry.h"

namespace etcdrill::sites {

class Site;

enum class ProbeResult { kYes, kNo, kUnknown, kFailed };

// One question, what came, and what follows for the configuration.
struct ProbeAnswer {
  std::string question;  // a word of the JSON: "put", "list_after_put", "lock_multipart"
  ProbeResult result = ProbeResult::kUnknown;
  std::string text;    // one line: what was asked and what came
  std::string advice;  // empty: nothing follows
};

struct ProbeReport {
  std::string site;
  std::string address;
  std::string credentials;               // where they come from, and until when
  std::vector<ProbeAnswer> answers;      // in the order in which they were asked
  std::optional<WallTime> locked_until;  // a lock on a probe binds until then
  Status usable;                         // OK: copies can be made there as configured
};

inline constexpr objects::RetryLimits kNoRetries = {.give_up_after = Duration()};

// Makes the site of the report unusable because of this error, if nothing else did before.
void MakeUnusable(const Status& error, ProbeReport& report);

// Of a site that was opened with kNoRetries, so that an answer comes as the store gave it, and
// soon. Asks all; a question that can't be answered says so and does not hide the others. What it
// wrote it deletes; what can't be deleted is named.
ProbeReport ProbeSite(const Context& context, Site& site);

}  // namespace etcdrill::sites

template <>
inline constexpr auto etcdrill::kNames<etcdrill::sites::ProbeResult> = etcdrill::Names("yes", "no",
                                                                                       "unknown",
                                                                                       "failed");
