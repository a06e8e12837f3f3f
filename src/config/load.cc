// The file as a whole: one document, its sections, and paths that are relative to it. Each section
// reads all its keys and reports the unknown ones.
#include "config/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "base/url.h"
#include "config/section.h"
#include "config/shared_sections.h"
#include "config/sites.h"
#include "config/values.h"
#include "etcd/tls_files.h"

namespace etcdrill::config {
namespace {

void ReadCluster(Section section, ClusterConfig& cluster) {
  section.Read("name", cluster.name, CheckClusterName);
  std::vector<std::string> lists;
  section.Read("endpoints", lists, CheckEndpoints);
  for (const std::string& list : lists) {
    for (std::string& item : SplitList(list)) cluster.endpoints.push_back(std::move(item));
  }
  if (!lists.empty() && cluster.endpoints.empty())
    section.Complain("has endpoints, but all of them are empty");
  Section tls = section.Sub("tls");
  tls.Read("ca_file", cluster.tls.ca_file, CheckPath);
  tls.Read("cert_file", cluster.tls.cert_file, CheckPath);
  tls.Read("key_file", cluster.tls.key_file, CheckPath);
  tls.Read("server_name", cluster.tls.server_name, CheckNoNul);
  tls.Finish();
  Section auth = section.Sub("auth");
  auth.Read("username", cluster.username);
  auth.Read("password_file", cluster.password_file, CheckPath);
  auth.Finish();
  section.Finish();
}

Result<When> ParseWhen(std::string_view text) {
  if (text == "always") return When::kAlways;
  if (text == "member-is-leader") return When::kMemberIsLeader;
  return Error(Reason::kConfig, "must be always or member-is-leader");
}

void ReadSnapshot(Section section, SnapshotConfig& snapshot) {
  section.Read("schedule", snapshot.schedule, ParseSchedule);
  section.Read("when", snapshot.when, ParseWhen);
  section.Read("jitter", snapshot.jitter, ParseDuration);  // none is zero, too
  section.Read("timeout", snapshot.timeout);
  section.Read("skip_unchanged", snapshot.skip_unchanged, ParseBool);
  section.Read("force_after", snapshot.force_after);
  ReadRetention(section.Sub("retention"), snapshot.retention);
  section.Finish();
}

// There is no other choice; the key stands in the file to say what is done.
Status CheckNewest(std::string_view text) {
  return text == "always" ? OkStatus()
                          : Error(Reason::kConfig, "the newest snapshot is drilled always");
}

Assertion ReadAssertion(Section& section) {
  Assertion a;
  section.Read("prefix", a.prefix);
  section.ReadOptional("min_keys", a.min_keys, ParseCount);
  section.ReadOptional("max_keys", a.max_keys, ParseCount);
  section.Read("key", a.key);
  section.ReadOptional("exists", a.exists, ParseBool);
  section.ReadOptional<std::string>(
      "equals", a.equals, [](std::string_view text) { return Result<std::string>(text); });
  section.ReadOptional<std::string>("matches", a.matches,
                                    [](std::string_view text) -> Result<std::string> {
                                      RETURN_IF_ERROR(CheckExpression(text));
                                      return std::string(text);
                                    });
  const bool counts = a.min_keys.has_value() || a.max_keys.has_value();
  const bool looks = a.exists.has_value() || a.equals.has_value() || a.matches.has_value();
  if (a.prefix.empty() == a.key.empty()) {
    section.Complain("names either a prefix or a key");
  } else if (a.key.empty() ? !counts || looks : !looks || counts) {
    section.Complain(a.key.empty() ? "needs min_keys, max_keys or both with a prefix"
                                   : "needs exists, equals or matches with a key");
  } else if (counts && a.min_keys.value_or(0) > a.max_keys.value_or(UINT64_MAX)) {
    section.Complain("has more min_keys than max_keys");
  } else if (a.exists == false && (a.equals.has_value() || a.matches.has_value())) {
    section.Complain("has equals or matches for a key that must not exist");
  }
  section.Finish();
  return a;
}

void ReadDrill(Section section, DrillConfig& drill) {
  section.Read("schedule", drill.schedule, ParseSchedule);
  section.Read("jitter", drill.jitter, ParseDuration);  // none is zero, too
  section.Read("scratch_dir", drill.scratch_dir, CheckNeededPath);
  section.Read("timeout", drill.timeout);
  Section etcd = section.Sub("etcd");
  std::string binary;
  etcd.Read("binary", binary, CheckPath);
  if (!binary.empty()) drill.etcd_binaries = {binary};
  etcd.ReadByName("binaries", drill.etcd_binaries, CheckNeededPath);
  etcd.ReadOptional("memory_limit", drill.etcd_memory_limit, ParseSize);
  etcd.Finish();
  Section sample = section.Sub("sample");
  std::string newest = "always";
  sample.Read("newest", newest, CheckNewest);
  sample.Read("older", drill.sample.older_parts, ParseParts);
  sample.Finish();
  Section history = section.Sub("history");
  history.Read("max_key_loss", drill.history.key_loss_max, ParsePercent);
  history.Read("max_prefix_loss", drill.history.prefix_loss_max, ParsePercent);
  history.Finish();
  for (Section& entry : section.List("assertions"))
    drill.assertions.push_back(ReadAssertion(entry));
  section.Finish();
}

void ReadRoot(Section root, Config& config) {
  ReadCluster(root.Sub("cluster"), config.cluster);
  Section store = root.Sub("store");
  store.Read("path", config.store_path, CheckNeededPath);
  store.Read("adopt", config.adopt.files, CheckAdopt);
  store.Read("adopt_quiet", config.adopt.quiet);
  ReadSnapshot(root.Sub("snapshot"), config.snapshot);
  ReadDrill(root.Sub("drill"), config.drill);
  ReadSites(store, config);
  store.Finish();
  ReadScrub(root.Sub("scrub"), config.scrub);
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
  for (std::string* path : PathsOfSites(config)) Resolve(*path, dir);
}

std::vector<std::string> ProblemsOfAdopt(const Config& config) {
  std::vector<std::string> problems;
  for (const std::string& pattern : config.adopt.files) {
    if (!PlainDir(DirName(pattern)).starts_with(PlainDir(config.store_path))) continue;
    problems.push_back(
        fmt::format("store.adopt: \"{}\" is inside the store ({}). Use the directory that the "
                    "other job writes to",
                    pattern, config.store_path));
  }
  return problems;
}

// What only shows once all paths are full ones.
Status CheckPlaces(const Config& config, const std::string& file) {
  std::vector<std::string> problems = ProblemsOfAdopt(config);
  std::ranges::move(ProblemsOfSites(config), std::back_inserter(problems));
  if (problems.empty()) return OkStatus();
  return Error(Reason::kConfig, "{}: {}", file,
               Shown(fmt::format("{}", fmt::join(problems, fmt::format("\n{}: ", file))), "\n"));
}

std::vector<std::string> EndpointsOfEnvironment() {
  const char* set = std::getenv("ETCDCTL_ENDPOINTS");
  return SplitList(set != nullptr && *set != '\0' ? set : kDefaultEndpoint);
}

// An objective that is missed each time, by the schedule alone.
void CheckObjective(std::string_view key, Duration objective, std::string_view section,
                    const std::optional<config::Schedule>& schedule, Duration jitter,
                    std::vector<std::string>& out) {
  if (!schedule.has_value()) return;
  const Duration gap = schedule->LongestGap() + jitter;
  if (objective > gap) return;
  out.push_back(
      fmt::format("objectives.{} is {}, but {}.schedule leaves up to {} between runs: the "
                  "objective will be missed",
                  key, FormatDuration(objective), section, FormatDuration(gap)));
}

void CheckEncryption(const etcd::ConnectionOptions& connection, std::vector<std::string>& out) {
  const bool tls = etcd::WantsTls(connection);
  const bool login = !connection.username.empty();
  if (!tls && !login) return;
  for (const std::string& endpoint : connection.endpoints) {
    const Result<Url> url = ParseClientUrl(endpoint);
    if (!url.ok() || url->scheme == Scheme::kHttps || url->scheme == Scheme::kUnix) continue;
    if (url->scheme == Scheme::kNone && tls) continue;
    out.push_back(fmt::format(
        "{} is not encrypted, {}: {}all of etcd's data is sent in plaintext. Use https://",
        Shown(endpoint), tls ? "though certificates are configured" : "and has a login",
        login ? "the password and " : ""));
  }
}

}  // namespace

Result<Config> Parse(std::string_view text, const std::string& path) {
  Config config;
  RETURN_IF_ERROR(ReadYaml(text, path, [&](Section root) { ReadRoot(std::move(root), config); }));
  ResolvePaths(config, DirName(path));
  RETURN_IF_ERROR(CheckPlaces(config, path));
  return config;
}

Result<Config> Load(FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadWhole(path, kConfigBytesMax);
  RETURN_IF_ERROR(Annotate(text.status(), "configuration"));
  return Parse(*text, path);
}

Status CheckReloadable(const Config& now, const Config& wanted) {
  std::vector<std::string_view> keys;
  const auto same = [&](std::string_view key, const auto& a, const auto& b) {
    if (a != b) keys.push_back(key);
  };
  same("cluster.name", now.cluster.name, wanted.cluster.name);
  same("store.path", now.store_path, wanted.store_path);
  same("store.sites", NamesAndPlacesOf(now.sites), NamesAndPlacesOf(wanted.sites));
  same("snapshot.when", now.snapshot.when, wanted.snapshot.when);
  same("web.listen", now.web.listen, wanted.web.listen);
  same("web.config_file", now.web.config_file, wanted.web.config_file);
  same("web.enable_lifecycle", now.web.enable_lifecycle, wanted.web.enable_lifecycle);
  same("log.format", now.log_format, wanted.log_format);
  if (keys.empty()) return OkStatus();
  return Error(Reason::kConfig,
               "{} cannot change at run time. Restart etcdrill, or revert the change",
               fmt::join(keys, ", "));
}

etcd::ConnectionOptions ConnectionOf(const Config& config) {
  etcd::ConnectionOptions options;
  options.endpoints =
      config.cluster.endpoints.empty() ? EndpointsOfEnvironment() : config.cluster.endpoints;
  options.ca_file = config.cluster.tls.ca_file;
  options.cert_file = config.cluster.tls.cert_file;
  options.key_file = config.cluster.tls.key_file;
  options.server_name = config.cluster.tls.server_name;
  options.username = config.cluster.username;
  options.password_file = config.cluster.password_file;
  options.command_timeout = config.health.timeout;
  return options;
}

std::vector<std::string> WarningsOf(const Config& config,
                                    const etcd::ConnectionOptions& connection) {
  std::vector<std::string> warnings;
  CheckEncryption(connection, warnings);
  CheckObjective("rpo", config.objectives.rpo, "snapshot", config.snapshot.schedule,
                 config.snapshot.jitter, warnings);
  CheckObjective("restorable_rpo", config.objectives.restorable_rpo, "drill", config.drill.schedule,
                 config.drill.jitter, warnings);
  WarnOfSites(config, warnings);
  return warnings;
}

}  // namespace etcdrill::config
