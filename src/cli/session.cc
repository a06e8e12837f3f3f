#include "cli/session.h"

#include <cstdlib>
#include <utility>

#include "base/units.h"
#include "base/url.h"
#include "catalog/follower.h"
#include "config/load.h"
#include "store/manifest_file.h"
#include "store/names.h"

namespace etcdrill::cli {
namespace {

// That of NAME.db at this very path.
Result<std::optional<Manifest>> ManifestOf(const Context& context, const std::string& path) {
  constexpr std::string_view kSuffix = ".db";
  if (!path.ends_with(kSuffix)) return std::optional<Manifest>();
  const std::string stem = path.substr(0, path.size() - kSuffix.size());
  const bool of_a_store = store::IsSnapshotName(BaseName(stem));
  const auto manifest = of_a_store ? store::ReadManifestOf(context.fs, path)
                                   : store::ReadManifest(context.fs, stem + ".json");
  if (manifest.ok()) return std::optional(*manifest);
  if (!of_a_store || ReasonOf(manifest.status()) == Reason::kNotFound)
    return std::optional<Manifest>();
  return Error(ReasonOf(manifest.status()),
               "{}. Put the right manifest there, or move the snapshot to another directory",
               MessageOf(manifest.status()));
}

}  // namespace

Session::Session(const Context& context, std::string config_file)
    : context_(context), config_file_(std::move(config_file)) {}

Result<const config::Config*> Session::Config() {
  if (!config_.has_value()) {
    ASSIGN_OR_RETURN(config_, config::Load(context_.fs, config_file_));
  }
  return &*config_;
}

Result<store::LocalStore*> Session::Store() {
  if (store_ == nullptr) {
    ASSIGN_OR_RETURN(const config::Config* const config, Config());
    ASSIGN_OR_RETURN(store_, store::LocalStore::Open(context_, config->store_path));
  }
  return store_.get();
}

std::string Session::Cluster() {
  if (!has_config()) return "";
  const auto config = Config();
  return config.ok() ? (*config)->cluster.name : "";
}

Result<etcd::ConnectionOptions> Session::Connection(const ConnectionFlags& flags) {
  if (!has_config()) return ToConnectionOptions(flags);
  ASSIGN_OR_RETURN(const config::Config* const config, Config());
  return config::ConnectionOf(*config);
}

Result<etcd::ConnectionOptions> ToConnectionOptions(const ConnectionFlags& flags) {
  etcd::ConnectionOptions options;
  for (const std::string& list : flags.endpoints) {
    for (std::string& endpoint : SplitList(list)) options.endpoints.push_back(std::move(endpoint));
  }
  if (flags.endpoints.empty()) options.endpoints = {config::kDefaultEndpoint};
  options.ca_file = flags.ca_file;
  options.cert_file = flags.cert_file;
  options.key_file = flags.key_file;
  options.insecure_skip_verify = flags.insecure_skip_verify;
  const size_t colon = flags.user.find(':');
  options.username = flags.user.substr(0, colon);
  options.password = colon != std::string::npos ? flags.user.substr(colon + 1) : flags.password;
  if (!options.username.empty() && options.password.empty()) {
    return Error(Reason::kUsage,
                 "--user {}: no password. Use --user NAME:PASSWORD, --password or ETCDCTL_PASSWORD",
                 options.username);
  }
  ASSIGN_OR_RETURN(options.dial_timeout, ParseDuration(flags.dial_timeout));
  ASSIGN_OR_RETURN(options.command_timeout, ParseDuration(flags.command_timeout));
  return options;
}

Result<std::optional<Manifest>> ManifestBeside(const Context& context, const std::string& file) {
  ASSIGN_OR_RETURN(auto beside_link, ManifestOf(context, file));
  if (beside_link.has_value()) return beside_link;
  return ManifestOf(context, context.fs.Resolve(file).value_or(file));
}

Result<Target> FindTarget(const Context& context, Session& session, const std::string& word) {
  const bool is_path = !session.has_config() || word.find('/') != std::string::npos ||
                       (!catalog::IsChoice(word) && context.fs.Exists(word));
  if (is_path) {
    const auto info = context.fs.Stat(word);
    if (!info.ok()) {
      const std::string hint =
          session.has_config() ? "" : ". To use a stored snapshot by name, add --config FILE";
      return Error(ReasonOf(info.status()), "{}{}", MessageOf(info.status()), hint);
    }
    ASSIGN_OR_RETURN(auto manifest, ManifestBeside(context, word));
    return Target{.name = word, .path = word, .manifest = std::move(manifest)};
  }
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  ASSIGN_OR_RETURN(store::LocalStore* const store, session.Store());
  ASSIGN_OR_RETURN(const catalog::Catalog catalog,
                   catalog::ReadCatalog(context, *store, config->cluster.name));
  ASSIGN_OR_RETURN(const Manifest manifest, catalog::SelectSnapshot(context, catalog, word));
  Target target{.name = manifest.name,
                .path = store->SnapshotPath(manifest.name),
                .manifest = manifest,
                .store = store};
  ASSIGN_OR_RETURN(target.use, store->Use(manifest.name));
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    target.others.push_back(entry.manifest);
    if (entry.manifest.name != target.name) continue;
    const bool from_the_start = entry.manifest.verdict == Verdict::kDamaged;
    if (entry.state == SnapshotState::kDamaged && !from_the_start) target.damaged = entry;
  }
  return target;
}

std::string DefaultScratchDir() {
  const char* tmp = std::getenv("TMPDIR");
  return tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
}

}  // namespace etcdrill::cli
