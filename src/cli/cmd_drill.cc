// drill: the ladder to L5 on one snapshot, with nothing but a file and an etcd binary if need be.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "base/units.h"
#include "catalog/follower.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/textfile_out.h"
#include "config/load.h"
#include "etcd/client.h"
#include "pipeline/drill_copy.h"
#include "pipeline/drill_report.h"
#include "pipeline/ladder.h"
#include "pipeline/run_drill.h"

namespace etcdrill::cli {
namespace {

Cell CheckWord(CheckResult result) {
  switch (result) {
    case CheckResult::kPass:
      return Cell("pass", Colour::kGreen);
    case CheckResult::kFail:
      return Cell("FAIL", Colour::kRed);
    case CheckResult::kSkipped:
      return "skipped";
    case CheckResult::kNotComparable:
      return Cell("not comparable", Colour::kYellow);
  }
  return "";
}

Cell StageWord(StageResult result) {
  if (result == StageResult::kSkipped) return "-";
  return CheckWord(result == StageResult::kPass ? CheckResult::kPass : CheckResult::kFail);
}

std::string AdviceText(const pipeline::RestoreAdvice& advice) {
  std::string text = fmt::format(
      "A restore of this snapshot now loses {} revisions. Suggested: --bump-revision {} "
      "--mark-compacted\n",
      advice.missed_revisions, advice.bump_revision);
  if (advice.rto_seconds.has_value()) {
    text += fmt::format("Estimated restore time for the current database of {}: about {:.1f} s\n",
                        FormatSize(advice.source_bytes), *advice.rto_seconds);
  }
  return text;
}

// Two tables, stages and checks, and one line that says what it comes to.
std::string DrillText(const pipeline::DrillReport& report) {
  Rows stages;
  for (const Stage& s : report.stages) {
    stages.push_back(
        {NameOf(s.name), StageWord(s.result),
         s.result == StageResult::kSkipped ? "" : fmt::format("{:.3f} s", s.duration_seconds),
         s.error});
  }
  Rows checks;
  for (const drill::Check& c : report.checks) {
    checks.push_back({NameOf(c.name), CheckWord(c.result), c.expected, c.actual});
  }
  std::string text = fmt::format("snapshot {}\n", Shown(report.snapshot));
  text += FramedTable({"STAGE", "RESULT", "TIME", "ERROR"}, stages);
  if (!checks.empty()) text += FramedTable({"CHECK", "RESULT", "EXPECTED", "ACTUAL"}, checks);
  const bool proven = report.verdict() == Verdict::kProven;
  text += fmt::format("{}, level {} of 5",
                      Coloured(NameOf(report.verdict()), proven ? Colour::kGreen : Colour::kRed),
                      report.level_reached());
  if (report.rto_seconds > 0) {
    text += fmt::format(": etcd {} serves it after {:.2f} s", Shown(report.etcd_version),
                        report.rto_seconds);
  }
  text += "\n";
  if (report.advice.has_value()) text += AdviceText(*report.advice);
  if (report.verify.has_value()) {
    for (const Finding& f : report.verify->findings.kept()) text += FindingLine(f);
  }
  return text;
}

// The first etcd on PATH; nothing if there is none.
std::vector<std::string> FindEtcd(const Context& context) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::string_view dir = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), dir.size() + 1));
    const std::string candidate = JoinPath(dir, "etcd");
    if (context.fs.Exists(candidate)) return {candidate};
  }
  return {};
}

// What the flags say goes before what the configuration says.
Result<config::DrillConfig> WithFlags(const DrillOptions& options, config::DrillConfig config) {
  if (!options.etcd_binary.empty()) config.etcd_binaries = {options.etcd_binary};
  if (!options.scratch_dir.empty()) config.scratch_dir = options.scratch_dir;
  if (!options.timeout.empty()) {
    ASSIGN_OR_RETURN(config.timeout, ParseDuration(options.timeout));
  }
  return config;
}

Result<pipeline::DrillReport> DrillFile(const Context& context, Session& session,
                                        const DrillOptions& options, const Target& target) {
  config::DrillConfig config;
  if (session.has_config()) {
    ASSIGN_OR_RETURN(const config::Config* const file, session.Config());
    config = file->drill;
  } else {
    config.scratch_dir = DefaultScratchDir();
    config.etcd_binaries = FindEtcd(context);
  }
  ASSIGN_OR_RETURN(config, WithFlags(options, std::move(config)));
  return pipeline::DrillFile(context, {.path = target.path,
                                       .manifest = target.manifest,
                                       .config = config,
                                       .full_cluster = options.full_cluster});
}

// As the sidecar does it: the source is asked, if it answers, and the report is kept.
Result<pipeline::DrillReport> DrillInStore(const Context& context, Session& session,
                                           const DrillOptions& options, const Target& target) {
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  ASSIGN_OR_RETURN(const config::DrillConfig drill_config, WithFlags(options, config->drill));
  const auto client = etcd::Client::Create(config::ConnectionOf(*config), context);
  catalog::Follower catalog(*target.store, config->cluster.name);
  pipeline::StoredDrill drill = pipeline::RunDrill(context,
                                                   {.catalog = catalog,
                                                    .client = client.ok() ? client->get() : nullptr,
                                                    .snapshot = *target.manifest,
                                                    .config = drill_config,
                                                    .full_cluster = options.full_cluster},
                                                   *target.store);
  if (!client.ok()) drill.source = client.status();
  pipeline::TellWhatIsMissing(context, drill);
  return std::move(drill.report);
}

// The report goes into the store of this machine, and from there to the sites.
Result<pipeline::DrillReport> DrillAtSite(const Context& context, Session& session,
                                          const DrillOptions& options) {
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  ASSIGN_OR_RETURN(sites::Site* const site, session.Site(options.site));
  ASSIGN_OR_RETURN(const auto contents, session.ContentsOf(options.site));
  ASSIGN_OR_RETURN(const sites::CopyRecord copy,
                   FindCopy(context, *contents, options.site, options.target));
  RETURN_IF_ERROR(Annotate(site->IdentitiesFor(copy.encoding).status(), "site {}", options.site));
  ASSIGN_OR_RETURN(const config::DrillConfig drill_config, WithFlags(options, config->drill));
  ASSIGN_OR_RETURN(store::LocalStore* const store, session.Store());
  const auto client = etcd::Client::Create(config::ConnectionOf(*config), context);
  const catalog::CatalogEntry* const newest = contents->catalog.Newest(context.clock.Now());
  pipeline::StoredDrill drill =
      pipeline::DrillCopy(context,
                          {.site = *site,
                           .copy = copy,
                           .config = drill_config,
                           .client = client.ok() ? client->get() : nullptr,
                           .full_cluster = options.full_cluster,
                           .newest = newest != nullptr && newest->manifest.name == copy.copy},
                          *store);
  pipeline::TellWhatIsMissing(context, drill);
  return std::move(drill.report);
}

Result<pipeline::DrillReport> DrillTarget(const Context& context, Session& session,
                                          const DrillOptions& options) {
  if (!options.site.empty()) return DrillAtSite(context, session, options);
  ASSIGN_OR_RETURN(const Target target, FindTarget(context, session, options.target));
  return target.store != nullptr ? DrillInStore(context, session, options, target)
                                 : DrillFile(context, session, options, target);
}

Result<ExitCode> PrintAndJudge(const Result<pipeline::DrillReport>& drilled, OutputFormat format) {
  RETURN_IF_ERROR(drilled.status());
  const pipeline::DrillReport& report = *drilled;
  if (format == OutputFormat::kJson) {
    PrintDocument(report);
  } else {
    fmt::print("{}", DrillText(report));
  }
  if (!report.outcome.ok()) return report.outcome;
  return LookOf(report.verdict()).exit_code;
}

}  // namespace

Result<ExitCode> Drill(const Context& context, const DrillOptions& options) {
  Session session(context, options.config_file);
  const Result<pipeline::DrillReport> drilled = DrillTarget(context, session, options);
  const Result<ExitCode> result = PrintAndJudge(drilled, options.format);
  if (options.textfile_out.empty() || IsInterrupted(result.status())) return result;
  return WithTextfile(context, result,
                      WriteDrillTextfile(context, options.textfile_out, session.Cluster(),
                                         drilled.ok() ? &*drilled : nullptr));
}

}  // namespace etcdrill::cli
