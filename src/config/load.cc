// The file as a whole: one document, its sections, and paths that are relative to it.
#include "config/load.h"

#include <fmt/format.h>

#include "config/readers.h"
#include "config/values.h"

namespace etcdrill::config {
namespace {

void ReadRoot(Section root, Config& config) {
  ReadCluster(root.Sub("cluster"), config.cluster);
  Section store = root.Sub("store");
  store.Read("path", config.store_path);
  store.Finish();
  Section snapshot = root.Sub("snapshot");
  snapshot.Read("schedule", config.snapshot.schedule, ParseSchedule);
  snapshot.Read("jitter", config.snapshot.jitter);
  snapshot.Read("timeout", config.snapshot.timeout);
  snapshot.Finish();
  ReadDrill(root.Sub("drill"), config.drill);
  Section health = root.Sub("health");
  health.Read("interval", config.health.interval);
  health.Read("timeout", config.health.timeout);
  health.Finish();
  Section objectives = root.Sub("objectives");
  objectives.Read("rpo", config.objectives.rpo);
  objectives.Read("verified_rpo", config.objectives.verified_rpo);
  objectives.Read("rto", config.objectives.rto);
  objectives.Finish();
  Section web = root.Sub("web");
  web.Read("listen", config.web.listen, CheckListen);
  web.Read("config_file", config.web.config_file);
  web.Read("enable_lifecycle", config.web.enable_lifecycle, ParseBool);
  web.Finish();
  Section log = root.Sub("log");
  log.Read("level", config.log_level, ParseLogLevel);
  log.Read("format", config.log_format, ParseLogFormat);
  log.Finish();
  root.Finish();
}

void Resolve(std::string& path, const std::string& dir) {
  if (!path.empty() && path.front() != '/') path = JoinPath(dir, path);
}

// Paths in the file are relative to the file.
void ResolvePaths(Config& config, const std::string& dir) {
  for (std::string* path :
       {&config.cluster.tls.ca_file, &config.cluster.tls.cert_file, &config.cluster.tls.key_file,
        &config.cluster.password_file, &config.store_path, &config.drill.scratch_dir, &config.web.config_file}) {
    Resolve(*path, dir);
  }
  for (std::string& path : config.drill.etcd_binaries) Resolve(path, dir);
}

}  // namespace

Result<Config> Parse(std::string_view text, const std::string& path) {
  Config config;
  RETURN_IF_ERROR(ReadYaml(text, path, [&](Section root) { ReadRoot(std::move(root), config); }));
  ResolvePaths(config, DirName(path));
  return config;
}

Result<Config> Load(FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadWhole(path, kConfigBytesMax);
  if (!text.ok()) return Error(Reason::kConfig, fmt::format("configuration: {}", MessageOf(text.status())));
  return Parse(*text, path);
}

}  // namespace etcdrill::config
