// run (the sidecar), check config and check web-config.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/config_source.h"
#include "app/daemon.h"
#include "report/web_guard.h"

namespace etcdrill::app {
namespace {

// Without a file: the flags, a store, and the defaults for the rest.
Result<config::Config> ConfigOf(const Context& context, const RunOptions& options) {
  if (!options.config_file.empty()) return config::Load(context.fs, options.config_file);
  config::Config config;
  if (!options.store.empty()) {
    config.store_path = JoinPath(options.store, "snapshots");
    config.drill.scratch_dir = JoinPath(options.store, "scratch");
  }
  return config;
}

Result<Settings> SettingsOf(const Context& context, const RunOptions& options) {
  ASSIGN_OR_RETURN(const config::Config config, ConfigOf(context, options));
  etcd::ConnectionOptions connection = ConnectionOf(config);
  if (options.config_file.empty()) {
    ASSIGN_OR_RETURN(connection, ToConnectionOptions(options.connection));
  }
  return Settings{config, connection, options.log_level.value_or(config.log_level)};
}

}  // namespace

Result<ExitCode> Run(const Context& context, const RunOptions& options) {
  ASSIGN_OR_RETURN(const Settings settings, SettingsOf(context, options));
  Logger log(settings.log_level, options.log_format.value_or(settings.config.log_format), context.clock);
  const Context sidecar{context.fs, context.clock, context.random, context.processes, log, context.stop};
  RETURN_IF_ERROR(RunDaemon(sidecar, settings, [&]() -> Result<Settings> {
    if (options.config_file.empty()) return Error(Reason::kConfig, "there is no file to read again: no --config");
    return SettingsOf(context, options);
  }));
  return ExitCode::kOk;
}

Result<ExitCode> CheckConfig(const Context& context, const CheckConfigOptions& options) {
  RETURN_IF_ERROR(config::Load(context.fs, options.file).status());
  fmt::print("{}: valid\n", options.file);
  return ExitCode::kOk;
}

Result<ExitCode> CheckWebConfig(const Context& context, const CheckConfigOptions& options) {
  RETURN_IF_ERROR(report::CheckWebConfig(context, options.file));
  fmt::print("{}: valid\n", options.file);
  return ExitCode::kOk;
}

}  // namespace etcdrill::app
