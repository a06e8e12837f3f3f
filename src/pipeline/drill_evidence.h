// What stays of a drill in the store: a report in the row of reports, and, until it is there, a
// mark that stands for it, so that a drill whose process was killed is told of all the same.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "io/context.h"
#include "pipeline/drill_report.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

// What a drill is about.
struct DrillSubject {
  std::string snapshot;   // of the store; of a site, the name of the copy
  std::string site = {};  // empty: the store
  bool newest = true;     // of where it lies, at that time
};

// The report of a drill that did nothing.
DrillReport FailedAtOnce(const DrillSubject& subject, WallTime started, WallTime finished,
                         Status why);

// Until the mark goes, it is the report of what happens if the drill never ends.
Result<std::unique_ptr<store::DrillMark>> LeaveMark(const Context& context, const std::string& id,
                                                    const DrillSubject& subject,
                                                    const store::LocalStore& store);

// Adds the report to the row; errors as LocalStore::AddDrillReport.
Status KeepReport(store::LocalStore& store, const DrillReport& report, store::IfRefused if_refused);

// The newest report of the store, by the time in its name; none if there is none.
Result<std::optional<store::DrillLink>> LastDrillLink(const store::LocalStore& store);

// Drills that began and never ended, because their process was killed or the machine went down:
// each is logged and gets a report of a drill that failed, once. What can't be told now is told the
// next time. For whoever is about to drill.
void TellOfKilledDrills(const Context& context, store::LocalStore& store);

}  // namespace etcdrill::pipeline
