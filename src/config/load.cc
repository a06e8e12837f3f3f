// The file as a whole: one document, its sections, and paths that are relative to it.
#include "config/load.h"

#include <filesystem>

#include "config/readers.h"
#include "config/values.h"

namespace etcdrill::config {
namespace {

void ReadRoot(Section root, Config& config) {
  ReadCluster(root.Sub("cluster"), config.cluster);
  Section store = root.Sub("store");
  store.Read("path", config.store_path, CheckNeededPath);
  store.Read("adopt", config.adopt.files, CheckAdopt);
  store.Read("adopt_quiet", config.adopt.quiet);
  store.Finish();
  ReadSnapshot(root.Sub("snapshot"), config.snapshot);
  ReadDrill(root.Sub("drill"), config.drill);
  Section scrub = root.Sub("scrub");
  scrub.Read("period", config.scrub.period);
  scrub.Read("rate", config.scrub.bytes_per_second, ParseRate);
  scrub.Finish();
  Section health = root.Sub("health");
  health.Read("interval", config.health.interval);
  health.Read("timeout", config.health.timeout);
  health.Read("hashkv", config.health.hashkv, ParseSchedule);
  health.Finish();
  Section objectives = root.Sub("objectives");
  objectives.Read("rpo", config.objectives.rpo);
  objectives.Read("restorable_rpo", config.objectives.restorable_rpo);
  objectives.AcceptOld("verified_rpo", "restorable_rpo", config.objectives.restorable_rpo,
                       config.warnings);
  objectives.Read("rto", config.objectives.rto);
  objectives.Finish();
  Section web = root.Sub("web");
  web.Read("listen", config.web.listen, CheckListen);
  web.Read("config_file", config.web.config_file, CheckPath);
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
        &config.cluster.password_file, &config.store_path, &config.drill.scratch_dir,
        &config.web.config_file}) {
    Resolve(*path, dir);
  }
  for (std::string& path : config.adopt.files) Resolve(path, dir);
  for (std::string& path : config.drill.etcd_binaries) Resolve(path, dir);
}

// Compared as they are written, less dots and double slashes.
Status CheckAdoptsOthers(const Config& config) {
  const auto plain = [](const std::string& dir) {
    return (std::filesystem::path(dir) / "").lexically_normal().string();  // ends in a slash
  };
  for (const std::string& pattern : config.adopt.files) {
    if (!plain(DirName(pattern)).starts_with(plain(config.store_path))) continue;
    return Error(Reason::kConfig,
                 "store.adopt: \"{}\" is in the store itself ({}); adopt from where others write",
                 pattern, config.store_path);
  }
  return OkStatus();
}

}  // namespace

Result<Config> Parse(std::string_view text, const std::string& path) {
  Config config;
  RETURN_IF_ERROR(ReadYaml(text, path, [&](Section root) { ReadRoot(std::move(root), config); }));
  ResolvePaths(config, DirName(path));
  RETURN_IF_ERROR(Annotate(CheckAdoptsOthers(config), path));
  return config;
}

Result<Config> Load(FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadWhole(path, kConfigBytesMax);
  RETURN_IF_ERROR(Annotate(text.status(), "configuration"));
  return Parse(*text, path);
}

}  // namespace etcdrill::config
