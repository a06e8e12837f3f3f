#include "cli/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <utility>

#include "base/units.h"
#include "base/url.h"
#include "catalog/follower.h"
#include "config/load.h"
#include "sites/delete_object.h"
#include "sites/fetch_copy.h"
#include "store/manifest_file.h"
#include "store/names.h"

namespace etcdrill::cli {
namespace {

// Somebody sits before the terminal.
constexpr objects::RetryLimits kPatience = {.give_up_after = std::chrono::seconds(15)};

Status NotUsable(const Context& context, const sites::Contents& contents, const std::string& site,
                 const catalog::CatalogEntry& copy) {
  const catalog::CatalogEntry* const newest = contents.catalog.Newest(context.clock.Now());
  const std::string hint = newest != nullptr
                               ? fmt::format("The newest usable copy is {}", newest->manifest.name)
                               : "No copy there is usable";
  return Error(Reason::kNotProvable, "site {}: copy {}: {}. {}", site, copy.manifest.name,
               copy.problem, hint);
}

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

Result<Target> FetchTarget(const Context& context, Session& session, const std::string& site,
                           const std::string& word) {
  ASSIGN_OR_RETURN(const auto contents, session.ContentsOf(site));
  ASSIGN_OR_RETURN(const sites::CopyRecord copy, FindCopy(context, *contents, site, word));
  ASSIGN_OR_RETURN(sites::Site* const from, session.Site(site));
  const auto identities = from->IdentitiesFor(copy.encoding);
  if (!identities.ok()) return Annotate(identities.status(), "site {}", site);
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  ASSIGN_OR_RETURN(std::shared_ptr<ScratchDir> scratch,
                   ScratchDir::Create(context, config->drill.scratch_dir));
  const std::string path = JoinPath(scratch->path(), copy.manifest.name + ".db");
  const Status fetched =
      sites::FetchCopy(context, from->objects(), copy, *identities, path,
                       ProgressLine("fetch", ProgressMode::kAuto, context.clock));
  RETURN_IF_ERROR(Annotate(fetched, "site {}", site));
  return Target{
      .name = copy.copy, .path = path, .manifest = copy.manifest, .scratch = std::move(scratch)};
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

Result<const config::SiteConfig*> Session::SiteConfig(const std::string& name) {
  ASSIGN_OR_RETURN(const config::Config* const config, Config());
  std::vector<std::string> names;
  for (const config::SiteConfig& site : config->sites) {
    if (site.name == name) return &site;
    names.push_back(site.name);
  }
  return Error(Reason::kUsage, "{} has no site {}; {}", config_file_, name,
               names.empty() ? "list some under store.sites"
                             : fmt::format("it has {}", fmt::join(names, ", ")));
}

Result<sites::Site*> Session::Site(const std::string& name) {
  if (const auto at = sites_.find(name); at != sites_.end()) return at->second.get();
  ASSIGN_OR_RETURN(const config::SiteConfig* const site, SiteConfig(name));
  auto opened = sites::Site::Open(context_, *site, config_->signing, meter_, kPatience);
  if (!opened.ok()) return Annotate(opened.status(), "site {}", name);
  return (sites_[name] = *std::move(opened)).get();
}

Result<std::shared_ptr<const sites::Contents>> Session::ContentsOf(const std::string& site) {
  ASSIGN_OR_RETURN(sites::Site* const opened, Site(site));
  const auto known = opened->Signers();
  if (!known.ok()) return Annotate(known.status(), "site {}", site);
  sites::SiteFollower follower(opened->objects(), Cluster());
  auto contents = follower.Refresh(context_, *known);
  if (contents.ok() && opened->objects().properties().has_versions) {
    // A thief who may not delete hides manifests, or writes over them: then only this finds copies.
    const Status looked = follower.LookAtVersions(context_);
    if (!looked.ok() && !sites::HidesVersions(looked))
      context_.log.Warn("can't look at versions", {{"site", site}, {"err", MessageOf(looked)}});
  }
  while (contents.ok() && !(*contents)->looked_at_bytes)
    contents = follower.Refresh(context_, *known);
  if (!contents.ok()) return Annotate(contents.status(), "site {}", site);
  return contents;
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

Result<Target> FindTarget(const Context& context, Session& session, const std::string& word,
                          const std::string& site) {
  if (!site.empty()) return FetchTarget(context, session, site, word);
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

Result<sites::CopyRecord> FindCopy(const Context& context, const sites::Contents& contents,
                                   const std::string& site, const std::string& word) {
  const auto usable = contents.UsableCopies();
  if (const auto at = usable.find(word); at != usable.end())
    return contents.records.at(at->second->manifest.name);
  if (contents.catalog.HoldsNone()) {
    return Error(Reason::kNotFound,
                 "site {}: there is no copy of this cluster. See what the site does: `etcdrill "
                 "check store`",
                 site);
  }
  const auto chosen = catalog::SelectSnapshot(context, contents.catalog, word);
  if (!chosen.ok()) return Annotate(chosen.status(), "site {}", site);
  for (const catalog::CatalogEntry& entry : contents.catalog.snapshots) {
    // By a manifest that nobody we know signed, anything could be restored.
    if (entry.manifest.name == chosen->name && entry.state == SnapshotState::kUnreadable)
      return NotUsable(context, contents, site, entry);
  }
  return contents.records.at(chosen->name);
}

std::string DefaultScratchDir() {
  const char* tmp = std::getenv("TMPDIR");
  return tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
}

}  // namespace etcdrill::cli
