// check config, check web-config: what `run` would refuse or stumble over, before it does.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>

#include "base/text.h"
#include "cli/check_sites.h"
#include "cli/commands.h"
#include "config/load.h"
#include "config/web_config.h"
#include "drill/etcd_binary.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"
#include "http/guard.h"

namespace etcdrill::cli {
namespace {

// All that can be wrong with a web.config_file and the files that it names.
Status CheckWebFile(const Context& context, const std::string& file) {
  return http::Guard::Create(context, file, config::ParseWebConfig).status();
}

// One line for each part of the configuration whose files can't be used as they are.
std::vector<std::string> ProblemsOfNamedFiles(const Context& context,
                                              const config::Config& config) {
  std::vector<std::string> problems;
  const auto check = [&](std::string_view key, const Status& status) {
    if (!status.ok()) problems.push_back(fmt::format("{}: {}", key, MessageOf(status)));
  };
  check("cluster", etcd::Client::Create(config::ConnectionOf(config), context).status());
  if (config.drill.schedule.has_value()) {
    check("drill.etcd",
          drill::ChooseEtcd(context, config.drill.etcd_binaries, std::nullopt).status());
  }
  check("web.config_file", CheckWebFile(context, config.web.config_file));
  return problems;
}

// Asks the endpoints whose they are, as far as they answer at all: a configuration may be looked at
// where, or while, etcd can't be reached.
void CheckEndpoints(const Context& context, const config::Config& config,
                    std::vector<std::string>& problems) {
  constexpr Duration kPatience = std::chrono::seconds(2);
  etcd::ConnectionOptions options = config::ConnectionOf(config);
  options.command_timeout = std::min(options.command_timeout, kPatience);
  options.dial_timeout = std::min(options.dial_timeout, kPatience);
  const auto client = etcd::Client::Create(options, context);
  if (!client.ok()) return;  // said before
  const etcd::RollCall roll = etcd::CallRoll(**client, std::nullopt);
  const bool torn = Is(roll.outcome, Reason::kOtherCluster);
  if (torn) problems.push_back(fmt::format("cluster.endpoints: {}", MessageOf(roll.outcome)));
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.standing == etcd::Standing::kSecondName)
      fmt::print(stderr, "warning: cluster.endpoints: {}\n", Shown(entry.remark));
    const bool wrong = entry.standing == etcd::Standing::kOtherCluster ||
                       entry.standing == etcd::Standing::kRemoved;
    if (wrong && !torn) problems.push_back(fmt::format("cluster.endpoints: {}", entry.remark));
  }
}

}  // namespace

Result<ExitCode> CheckConfig(const Context& context, const CheckConfigOptions& options) {
  ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, options.file));
  if (!options.syntax_only) {
    std::vector<std::string> problems = ProblemsOfNamedFiles(context, config);
    CheckEndpoints(context, config, problems);
    SiteRemarks sites = CheckSites(context, config);
    std::ranges::move(sites.problems, std::back_inserter(problems));
    for (const std::string& warning : sites.warnings)
      fmt::print(stderr, "warning: {}: {}\n", Shown(options.file), Shown(warning));
    if (!problems.empty()) {
      return Error(Reason::kConfig, "{0}: {1}", options.file,
                   fmt::join(problems, fmt::format("\n{}: ", options.file)));
    }
  }
  for (const std::string& warning : config.warnings)
    fmt::print(stderr, "warning: {}\n", Shown(warning));
  for (const std::string& warning : config::WarningsOf(config, config::ConnectionOf(config))) {
    fmt::print(stderr, "warning: {}: {}\n", Shown(options.file), warning);
  }
  fmt::print("{}: valid\n", Shown(options.file));
  return ExitCode::kOk;
}

Result<ExitCode> CheckWebConfig(const Context& context, const CheckConfigOptions& options) {
  RETURN_IF_ERROR(CheckWebFile(context, options.file));
  fmt::print("{}: valid\n", Shown(options.file));
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
