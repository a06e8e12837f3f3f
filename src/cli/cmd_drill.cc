// drill: the ladder to L5 on one snapshot, with nothing but a file and an etcd binary if need be.
#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/config_source.h"
#include "cli/drill_text.h"
#include "cli/targets.h"
#include "cli/textfile_out.h"
#include "config/load.h"
#include "pipeline/stored_drill.h"

namespace etcdrill::cli {
namespace {

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
Result<pipeline::DrillRequest> MakeRequest(const DrillOptions& options, const Target& target,
                                           config::DrillConfig config) {
  if (!options.etcd_binary.empty()) config.etcd_binaries = {options.etcd_binary};
  if (!options.scratch_dir.empty()) config.scratch_dir = options.scratch_dir;
  if (!options.timeout.empty()) {
    ASSIGN_OR_RETURN(config.timeout, ParseDuration(options.timeout));
  }
  return pipeline::DrillRequest{.snapshot = target.name,
                                .path = target.path,
                                .manifest = target.manifest,
                                .config = std::move(config),
                                .full_cluster = options.full_cluster};
}

Result<pipeline::DrillReport> DrillFile(const Context& context, const DrillOptions& options,
                                        const Target& target) {
  config::DrillConfig config;
  if (options.config_file.empty()) {
    config.scratch_dir = DefaultScratchDir();
    config.etcd_binaries = FindEtcd(context);
  } else {
    ASSIGN_OR_RETURN(const config::Config file, config::Load(context.fs, options.config_file));
    config = file.drill;
  }
  ASSIGN_OR_RETURN(const auto request, MakeRequest(options, target, std::move(config)));
  return pipeline::RunDrill(context, request);
}

// As the sidecar does it: the source is asked, if it answers, and the report is kept.
Result<pipeline::DrillReport> DrillInStore(const Context& context, const DrillOptions& options,
                                           const Target& target) {
  ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, options.config_file));
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  ASSIGN_OR_RETURN(const auto request, MakeRequest(options, target, config.drill));
  const auto client = etcd::Client::Create(ConnectionOf(config), context);
  pipeline::StoredDrill drill =
      pipeline::DrillStored(context, request, client.ok() ? client->get() : nullptr, *store);
  if (const Status& source = client.ok() ? drill.source : client.status(); !source.ok()) {
    context.log.Warn("no advice for a restore: the source can't be asked",
                     {{"err", MessageOf(source)}});
  }
  if (!drill.kept.ok())
    context.log.Error("the drill report can't be kept", {{"err", MessageOf(drill.kept)}});
  return std::move(drill.report);
}

Result<pipeline::DrillReport> DrillTarget(const Context& context, const DrillOptions& options) {
  ASSIGN_OR_RETURN(const Target target, FindTarget(context, options.target, options.config_file));
  return target.in_store ? DrillInStore(context, options, target)
                         : DrillFile(context, options, target);
}

Result<ExitCode> PrintAndJudge(const Result<pipeline::DrillReport>& drilled, OutputFormat format) {
  RETURN_IF_ERROR(drilled.status());
  const pipeline::DrillReport& report = *drilled;
  if (format == OutputFormat::kJson) {
    PrintJson(pipeline::ToJson(report));
  } else {
    fmt::print("{}", DrillText(report));
  }
  if (!report.outcome.ok()) return report.outcome;
  return ExitCodeOf(report.verdict());
}

}  // namespace

Result<ExitCode> Drill(const Context& context, const DrillOptions& options) {
  const Result<pipeline::DrillReport> drilled = DrillTarget(context, options);
  const Result<ExitCode> result = PrintAndJudge(drilled, options.format);
  if (options.textfile_out.empty() || IsInterrupted(result.status())) return result;
  return WithTextfile(
      context, result,
      WriteDrillTextfile(context, options.textfile_out, ClusterOf(context, options.config_file),
                         drilled.ok() ? &*drilled : nullptr));
}

}  // namespace etcdrill::cli
