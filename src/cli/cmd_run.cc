// run: the sidecar, from a configuration file or from flags.
#include "cli/commands.h"
#include "cli/session.h"
#include "config/load.h"
#include "sidecar/daemon.h"

namespace etcdrill::cli {
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

Result<sidecar::Settings> SettingsOf(const Context& context, const RunOptions& options) {
  ASSIGN_OR_RETURN(const config::Config config, ConfigOf(context, options));
  etcd::ConnectionOptions connection = config::ConnectionOf(config);
  if (options.config_file.empty()) {
    ASSIGN_OR_RETURN(connection, ToConnectionOptions(options.connection));
  }
  return sidecar::Settings{config, connection, options.log_level.value_or(config.log_level)};
}

}  // namespace

Result<ExitCode> Run(const Context& context, const RunOptions& options) {
  ASSIGN_OR_RETURN(const sidecar::Settings settings, SettingsOf(context, options));
  Logger log(settings.log_level, options.log_format.value_or(settings.config.log_format),
             context.clock);
  RETURN_IF_ERROR(
      sidecar::RunDaemon(context.With(log), settings, [&]() -> Result<sidecar::Settings> {
        if (options.config_file.empty())
          return Error(Reason::kConfig, "cannot reload: started without --config");
        return SettingsOf(context, options);
      }));
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
