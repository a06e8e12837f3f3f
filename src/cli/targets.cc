// Resolving a word to a snapshot.
#include "cli/targets.h"

#include <cstdlib>

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
               "{}; put the right manifest there, or move the snapshot away from it",
               MessageOf(manifest.status()));
}

}  // namespace

Result<std::optional<Manifest>> ManifestBeside(const Context& context, const std::string& file) {
  ASSIGN_OR_RETURN(auto beside_link, ManifestOf(context, file));
  if (beside_link.has_value()) return beside_link;
  return ManifestOf(context, context.fs.Resolve(file).value_or(file));
}

Result<Target> FindTarget(const Context& context, const std::string& word,
                          const std::string& config_file) {
  const bool is_path = config_file.empty() || word.find('/') != std::string::npos ||
                       (!catalog::IsChoice(word) && context.fs.Exists(word));
  if (is_path) {
    const auto info = context.fs.Stat(word);
    if (!info.ok()) {
      const std::string hint = config_file.empty() ? "; a name in a store needs --config FILE" : "";
      return Error(ReasonOf(info.status()), "{}{}", MessageOf(info.status()), hint);
    }
    ASSIGN_OR_RETURN(auto manifest, ManifestBeside(context, word));
    return Target{.name = word, .path = word, .manifest = std::move(manifest)};
  }
  ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, config_file));
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  ASSIGN_OR_RETURN(const catalog::Catalog catalog,
                   catalog::ReadCatalog(context, *store, config.cluster.name));
  ASSIGN_OR_RETURN(const Manifest manifest, catalog::SelectSnapshot(context, catalog, word));
  Target target{.name = manifest.name,
                .path = store->SnapshotPath(manifest.name),
                .manifest = manifest,
                .in_store = true};
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
