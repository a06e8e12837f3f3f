// drill: the ladder to L5 on one snapshot, with nothing but a file and an etcd binary if need be.
#include <fmt/format.h>

#include <cstdlib>

#include "app/commands.h"
#include "app/config_source.h"
#include "app/drill_text.h"
#include "app/targets.h"
#include "base/units.h"
#include "pipeline/run.h"

namespace etcdrill::app {
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

Result<pipeline::DrillRequest> MakeRequest(const Context& context, const DrillOptions& options) {
  ASSIGN_OR_RETURN(const Target target, FindTarget(context, options.target, options.config_file));
  pipeline::DrillRequest request{.snapshot = target.name, .path = target.path, .manifest = target.manifest};
  request.scratch_dir = DefaultScratchDir();
  request.etcd_binaries = FindEtcd(context);
  if (!options.config_file.empty()) {
    ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, options.config_file));
    request.scratch_dir = config.drill.scratch_dir;
    request.timeout = config.drill.timeout;
    request.etcd_binaries = config.drill.etcd_binaries;
    request.assertions = config.drill.assertions;
  }
  if (!options.etcd_binary.empty()) request.etcd_binaries = {options.etcd_binary};
  if (!options.scratch_dir.empty()) request.scratch_dir = options.scratch_dir;
  if (!options.timeout.empty()) {
    ASSIGN_OR_RETURN(request.timeout, ParseDuration(options.timeout));
  }
  return request;
}

}  // namespace

Result<ExitCode> Drill(const Context& context, const DrillOptions& options) {
  ASSIGN_OR_RETURN(const pipeline::DrillRequest request, MakeRequest(context, options));
  const pipeline::DrillReport report = pipeline::RunDrill(context, request);
  fmt::print("{}", options.format == OutputFormat::kJson ? pipeline::ToJson(report) : DrillText(report));
  if (!report.outcome.ok()) return report.outcome;
  return ExitCodeOf(report.verdict);
}

}  // namespace etcdrill::app
