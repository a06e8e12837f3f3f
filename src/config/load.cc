// The only user of yaml-cpp. That library accepts duplicate keys (the first wins), several documents and unknown keys
// in silence; a mapping is therefore read through Section, which knows every key that was asked for.
#include "config/load.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/units.h"

namespace etcdrill::config {
namespace {

constexpr std::string_view kEveryPrefix = "@every ";

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void Add(const YAML::Mark& mark, std::string_view text) {
    lines_.push_back(fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, text));
  }
  Status ToStatus() const {
    return lines_.empty() ? OkStatus() : Error(Reason::kConfig, fmt::format("{}", fmt::join(lines_, "\n")));
  }

 private:
  const std::string file_;
  std::vector<std::string> lines_;
};

// Levenshtein distance, for "did you mean".
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

// One mapping of the file. Every Read names a key; Finish reports the keys that nobody named.
class Section {
 public:
  Section(const YAML::Node& node, std::string path, Problems& problems)
      : node_(node), path_(std::move(path)), problems_(problems) {
    if (!node_.IsDefined() || node_.IsNull()) return;
    if (!node_.IsMap()) {
      problems_.Add(node_.Mark(),
                    fmt::format("{} must be a mapping of keys to values", path_.empty() ? "the file" : path_));
      return;
    }
    is_map_ = true;
  }

  Section Sub(const char* key) { return {Find(key), Full(key), problems_}; }

  void Read(const char* key, std::string& out) {
    if (const YAML::Node node = Find(key); IsScalar(node, key, "a text")) out = node.Scalar();
  }

  using CheckText = Status (*)(std::string_view);

  void Read(const char* key, std::string& out, CheckText check) {
    const YAML::Node node = Find(key);
    if (IsScalar(node, key, "a text") && Passes(node, key, check)) out = node.Scalar();
  }

  // A list of texts that all pass the check.
  void Read(const char* key, std::vector<std::string>& out, CheckText check) {
    const YAML::Node node = Find(key);
    if (!node.IsDefined()) return;
    if (!node.IsSequence() || node.size() == 0) {
      problems_.Add(node.Mark(), fmt::format("{} must be a list with at least one entry", Full(key)));
      return;
    }
    out.clear();
    for (const YAML::Node& entry : node) {
      if (IsScalar(entry, key, "a list of texts") && Passes(entry, key, check)) out.push_back(entry.Scalar());
    }
  }

  // The values of a mapping with names that are the user's own.
  void ReadByName(const char* key, std::vector<std::string>& out) {
    const YAML::Node node = Find(key);
    if (!node.IsDefined()) return;
    if (!node.IsMap() || node.size() == 0) {
      problems_.Add(node.Mark(), fmt::format("{} must be a mapping with at least one entry", Full(key)));
      return;
    }
    out.clear();
    for (const auto& entry : node) {
      if (IsScalar(entry.second, key, "a mapping of names to texts")) out.push_back(entry.second.Scalar());
    }
  }

  // Durations of zero make no sense for any key.
  void Read(const char* key, Duration& out) { ReadDuration(key, "", out); }
  void ReadEvery(const char* key, Duration& out) { ReadDuration(key, kEveryPrefix, out); }

  // A list of mappings.
  std::vector<Section> List(const char* key) {
    std::vector<Section> sections;
    const YAML::Node node = Find(key);
    if (!node.IsDefined()) return sections;
    if (!node.IsSequence()) {
      problems_.Add(node.Mark(), fmt::format("{} must be a list", Full(key)));
      return sections;
    }
    for (const YAML::Node& entry : node) sections.push_back({entry, Full(key), problems_});
    return sections;
  }

  // A problem of the mapping as a whole.
  void Complain(std::string_view what) { problems_.Add(node_.Mark(), fmt::format("each entry of {} {}", path_, what)); }

  template <typename T>
  void ReadOptional(const char* key, std::optional<T>& out, Result<T> (*parse)(std::string_view)) {
    T value{};
    const YAML::Node node = Find(key);
    if (!IsScalar(node, key, "a text")) return;
    Store(node, key, parse(node.Scalar()), value);
    out = std::move(value);
  }

  template <typename T>
  void Read(const char* key, T& out, Result<T> (*parse)(std::string_view)) {
    const YAML::Node node = Find(key);
    if (!IsScalar(node, key, "a word")) return;
    Store(node, key, parse(node.Scalar()), out);
  }

  void Finish() {
    if (!is_map_) return;
    std::set<std::string> seen;
    for (const auto& entry : node_) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (!seen.insert(key).second) problems_.Add(entry.first.Mark(), fmt::format("{} stands here twice", Full(key)));
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        problems_.Add(entry.first.Mark(), fmt::format("{} is not a key; {}", Full(key), Advice(key)));
      }
    }
  }

 private:
  YAML::Node Find(const char* key) {
    known_.emplace_back(key);
    return is_map_ ? node_[key] : YAML::Node(YAML::NodeType::Undefined);
  }

  bool IsScalar(const YAML::Node& node, const char* key, std::string_view what) {
    if (!node.IsDefined()) return false;
    if (node.IsScalar()) return true;
    problems_.Add(node.Mark(), fmt::format("{} must be {}", Full(key), what));
    return false;
  }

  bool Passes(const YAML::Node& node, const char* key, CheckText check) {
    const Status status = check(node.Scalar());
    if (!status.ok()) problems_.Add(node.Mark(), fmt::format("{}: {}", Full(key), MessageOf(status)));
    return status.ok();
  }

  void ReadDuration(const char* key, std::string_view prefix, Duration& out) {
    const YAML::Node node = Find(key);
    if (!IsScalar(node, key, "a duration")) return;
    std::string_view text = node.Scalar();
    if (!text.starts_with(prefix)) {
      problems_.Add(node.Mark(), fmt::format("{}: \"{}\" is not a schedule; write \"@every 1h\"", Full(key), text));
      return;
    }
    text.remove_prefix(prefix.size());
    Result<Duration> duration = ParseDuration(text);
    if (duration.ok() && *duration <= 0s) duration = Error(Reason::kConfig, "must be more than zero");
    Store(node, key, std::move(duration), out);
  }

  template <typename T>
  void Store(const YAML::Node& node, const char* key, Result<T> value, T& out) {
    if (value.ok()) {
      out = *std::move(value);
    } else {
      problems_.Add(node.Mark(), fmt::format("{}: {}", Full(key), MessageOf(value.status())));
    }
  }

  std::string Full(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  std::string Advice(std::string_view key) const {
    const auto nearest = std::min_element(known_.begin(), known_.end(), [&](const auto& a, const auto& b) {
      return EditDistance(key, a) < EditDistance(key, b);
    });
    if (nearest != known_.end() && EditDistance(key, *nearest) <= 2) return fmt::format("did you mean {}?", *nearest);
    return fmt::format("known here: {}", fmt::join(known_, ", "));
  }

  const YAML::Node node_;
  const std::string path_;
  Problems& problems_;
  bool is_map_ = false;
  std::vector<std::string> known_;
};

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
  if (IsHostAndPort(address)) return OkStatus();
  return Error(Reason::kConfig, fmt::format("\"{}\" is not ADDRESS:PORT, such as 127.0.0.1:9379", address));
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
  web.Read("listen", config.web_listen, CheckListen);
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
  for (std::string* path : {&config.cluster.tls.ca_file, &config.cluster.tls.cert_file, &config.cluster.tls.key_file,
                            &config.cluster.password_file, &config.store_path, &config.drill.scratch_dir}) {
    Resolve(*path, dir);
  }
  for (std::string& path : config.drill.etcd_binaries) Resolve(path, dir);
}

}  // namespace

Result<Config> Parse(std::string_view text, const std::string& path) {
  Problems problems(path);
  Config config;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) problems.Add(documents[1].Mark(), "a second document; one file holds one configuration");
    if (!documents.empty()) ReadRoot(Section(documents[0], "", problems), config);
  } catch (const YAML::Exception& e) {
    problems.Add(e.mark, e.msg);
  }
  RETURN_IF_ERROR(problems.ToStatus());
  ResolvePaths(config, DirName(path));
  return config;
}

Result<Config> Load(FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadWhole(path, kConfigBytesMax);
  if (!text.ok()) return Error(Reason::kConfig, fmt::format("configuration: {}", MessageOf(text.status())));
  return Parse(*text, path);
}

}  // namespace etcdrill::config
