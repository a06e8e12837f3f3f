// Every key of the file, and what may stand there.
#include "config/load.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>

#include "config/section.h"

namespace etcdrill::config {
namespace {

// The name becomes part of file names.
Status CheckClusterName(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool good = !name.empty() && name.size() <= 64 && name.front() != '.' &&
                    name.find_first_not_of(kAllowed) == std::string_view::npos;
  if (good) return OkStatus();
  return Error(Reason::kConfig,
               fmt::format("\"{}\" becomes part of file names: use up to 64 letters, digits, '.', '_' and "
                           "'-', not beginning with '.'",
                           name));
}

// HOST:PORT, with a host that is not empty.
bool IsHostAndPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc() && stop == end && port <= 65535;
}

Status CheckEndpoint(std::string_view url) {
  const size_t scheme_end = url.find("://");
  const std::string_view scheme = scheme_end == std::string_view::npos ? "" : url.substr(0, scheme_end);
  const std::string_view rest = scheme_end == std::string_view::npos ? url : url.substr(scheme_end + 3);
  const bool network = scheme.empty() || scheme == "http" || scheme == "https";
  if ((network && IsHostAndPort(rest)) || (scheme == "unix" && rest.starts_with('/'))) return OkStatus();
  return Error(Reason::kConfig,
               fmt::format("\"{}\" is not a client URL; write https://HOST:PORT or http://HOST:PORT", url));
}

Status CheckListen(std::string_view address) {
  if (IsHostAndPort(address) || (address.starts_with(':') && IsHostAndPort(fmt::format("all{}", address)))) {
    return OkStatus();
  }
  return Error(Reason::kConfig,
               fmt::format("\"{}\" is not HOST:PORT, such as 127.0.0.1:9379, [::1]:9379 or :9379", address));
}

void ReadCluster(Section section, ClusterConfig& cluster) {
  section.Read("name", cluster.name, CheckClusterName);
  section.Read("endpoints", cluster.endpoints, CheckEndpoint);
  Section tls = section.Sub("tls");
  tls.Read("ca_file", cluster.tls.ca_file);
  tls.Read("cert_file", cluster.tls.cert_file);
  tls.Read("key_file", cluster.tls.key_file);
  tls.Read("server_name", cluster.tls.server_name);
  tls.Finish();
  Section auth = section.Sub("auth");
  auth.Read("username", cluster.username);
  auth.Read("password_file", cluster.password_file);
  auth.Finish();
  section.Finish();
}

Result<uint64_t> ParseCount(std::string_view text) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size()) return count;
  return Error(Reason::kConfig, fmt::format("\"{}\" is not a number", text));
}

// There is no other choice; the key stands in the file to say what is done.
Status CheckNewest(std::string_view text) {
  return text == "always" ? OkStatus() : Error(Reason::kConfig, "the newest snapshot is drilled always");
}

// "50%" gives 0.5.
Result<double> ParsePercent(std::string_view text) {
  if (text.ends_with('%')) {
    const Result<uint64_t> percent = ParseCount(text.substr(0, text.size() - 1));
    if (percent.ok() && *percent <= 100) return static_cast<double>(*percent) / 100;
  }
  return Error(Reason::kConfig, fmt::format("\"{}\" is not a share from 0% to 100%", text));
}

// "1/7" gives 7, "none" 0.
Result<uint64_t> ParseParts(std::string_view text) {
  if (text == "none") return 0;
  constexpr std::string_view kOneOf = "1/";
  if (text.starts_with(kOneOf)) {
    const Result<uint64_t> parts = ParseCount(text.substr(kOneOf.size()));
    if (parts.ok() && *parts > 0) return parts;
  }
  return Error(Reason::kConfig, fmt::format("\"{}\" is not a part of all, such as 1/7, or none", text));
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Error(Reason::kConfig, fmt::format("\"{}\" is neither true nor false", text));
}

Status CheckExpression(std::string_view text) {
  const RE2 expression(re2::StringPiece(text.data(), text.size()), RE2::Quiet);
  return expression.ok() ? OkStatus() : Error(Reason::kConfig, expression.error());
}

Assertion ReadAssertion(Section& section) {
  Assertion a;
  section.Read("prefix", a.prefix);
  section.ReadOptional("min_keys", a.min_keys, ParseCount);
  section.ReadOptional("max_keys", a.max_keys, ParseCount);
  section.Read("key", a.key);
  section.ReadOptional("exists", a.exists, ParseBool);
  section.ReadOptional<std::string>("equals", a.equals,
                                    [](std::string_view text) { return Result<std::string>(text); });
  section.ReadOptional<std::string>("matches", a.matches, [](std::string_view text) -> Result<std::string> {
    RETURN_IF_ERROR(CheckExpression(text));
    return std::string(text);
  });
  const bool counts = a.min_keys.has_value() || a.max_keys.has_value();
  const bool looks = a.exists.has_value() || a.equals.has_value() || a.matches.has_value();
  if (a.prefix.empty() == a.key.empty()) {
    section.Complain("names either a prefix or a key");
  } else if (a.key.empty() ? !counts || looks : !looks || counts) {
    section.Complain(a.key.empty() ? "has min_keys, max_keys or both beside a prefix"
                                   : "has exists, equals or matches beside a key");
  } else if (counts && a.min_keys.value_or(0) > a.max_keys.value_or(UINT64_MAX)) {
    section.Complain("has more min_keys than max_keys");
  } else if (a.exists == false && (a.equals.has_value() || a.matches.has_value())) {
    section.Complain("can't look at the value of a key that must not exist");
  }
  section.Finish();
  return a;
}

void ReadDrill(Section section, DrillConfig& drill) {
  section.ReadEvery("schedule", drill.every);
  section.Read("scratch_dir", drill.scratch_dir);
  section.Read("timeout", drill.timeout);
  Section etcd = section.Sub("etcd");
  std::string binary;
  etcd.Read("binary", binary);
  if (!binary.empty()) drill.etcd_binaries = {binary};
  etcd.ReadByName("binaries", drill.etcd_binaries);
  etcd.Finish();
  Section sample = section.Sub("sample");
  std::string newest = "always";
  sample.Read("newest", newest, CheckNewest);
  sample.Read("older", drill.sample.older_parts, ParseParts);
  sample.Finish();
  Section history = section.Sub("history");
  history.Read("max_key_loss", drill.key_loss_max, ParsePercent);
  history.Finish();
  for (Section& entry : section.List("assertions")) drill.assertions.push_back(ReadAssertion(entry));
  section.Finish();
}

void ReadRoot(Section root, Config& config) {
  ReadCluster(root.Sub("cluster"), config.cluster);
  Section store = root.Sub("store");
  store.Read("path", config.store_path);
  store.Finish();
  Section snapshot = root.Sub("snapshot");
  snapshot.ReadEvery("schedule", config.snapshot.every);
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
