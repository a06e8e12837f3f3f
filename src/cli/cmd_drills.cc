// drills: the reports in a store, one of them, and whether their row is whole.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "pipeline/drill_report.h"
#include "store/local_store.h"

namespace etcdrill::cli {
namespace {

Result<std::vector<store::DrillFile>> ReadDrills(const Context& context,
                                                 const std::string& config_file) {
  Session session(context, config_file);
  ASSIGN_OR_RETURN(const store::LocalStore* const store, session.Store());
  return store->DrillReports();
}

}  // namespace

Result<ExitCode> DrillsList(const Context& context, const DrillsOptions& options) {
  ASSIGN_OR_RETURN(const auto drills, ReadDrills(context, options.config_file));
  Json json = Json::array();
  Rows rows;
  for (const store::DrillFile& drill : drills) {
    const auto summary = drill.problem.ok() ? ParseDrillSummary(drill.json) : drill.problem;
    if (!summary.ok()) {
      context.log.Warn("drill report unreadable",
                       {{"drill", drill.name}, {"err", MessageOf(summary.status())}});
      continue;
    }
    json.push_back({{"name", drill.name},
                    {"snapshot", summary->snapshot},
                    {"finished", FormatRfc3339(summary->finished)},
                    {"verdict", NameOf(summary->verdict)},
                    {"level_reached", summary->level_reached},
                    {"rto_seconds", summary->rto_seconds}});
    rows.push_back({drill.name, FormatRfc3339(summary->finished), NameOf(summary->verdict),
                    fmt::format("{} of 5", summary->level_reached),
                    summary->passed ? fmt::format("{:.2f} s", summary->rto_seconds) : "-"});
  }
  const std::vector<std::string> head = {"NAME", "FINISHED", "VERDICT", "LEVEL", "RTO"};
  PrintList(options.format, json, head, rows);
  return ExitCode::kOk;
}

Result<ExitCode> DrillsShow(const Context& context, const DrillsOptions& options) {
  ASSIGN_OR_RETURN(const auto drills, ReadDrills(context, options.config_file));
  for (const store::DrillFile& drill : drills) {
    if (drill.name != options.name) continue;
    RETURN_IF_ERROR(drill.problem);
    PrintJsonText(drill.json);
    return ExitCode::kOk;
  }
  return Error(Reason::kNotFound,
               "no drill report {} among the {} in the store. List them: `etcdrill drills list`",
               options.name, drills.size());
}

Result<ExitCode> DrillsVerify(const Context& context, const DrillsOptions& options) {
  ASSIGN_OR_RETURN(const auto drills, ReadDrills(context, options.config_file));
  const std::vector<std::string> problems = pipeline::CheckEvidence(drills);
  for (const std::string& problem : problems) fmt::print("{}\n", Shown(problem));
  if (problems.empty()) {
    fmt::print("{} drill reports, none changed or missing between the first and the last\n",
               drills.size());
    return ExitCode::kOk;
  }
  return Error(Reason::kDamaged,
               "{} links between drill reports are broken: reports were changed or deleted by "
               "hand, or the store is damaged",
               problems.size());
}

}  // namespace etcdrill::cli
