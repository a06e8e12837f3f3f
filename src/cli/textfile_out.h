// --textfile-out: the result of a command as a file of metrics. It is written whatever the result
// is; a run that was interrupted has none, and leaves the file as it is.
#pragma once

#include <string>

#include "base/status.h"
#include "io/context.h"
#include "pipeline/drill_report.h"
#include "report/textfile.h"

namespace etcdrill::cli {

// Mode 0644: node_exporter runs as somebody else. After an error the file of the run before is
// there, or the new one.
Status WriteVerifyTextfile(const Context& context, const std::string& path,
                           const report::VerifyRun& run);

// `report` is null for a drill that could not begin; `cluster` is empty where nobody names it.
Status WriteDrillTextfile(const Context& context, const std::string& path, std::string cluster,
                          const pipeline::DrillReport* report);

// What the command ends with, once the file was or was not written: bad news about the snapshot
// goes first.
Result<ExitCode> WithTextfile(const Context& context, Result<ExitCode> result,
                              const Status& written);

}  // namespace etcdrill::cli
