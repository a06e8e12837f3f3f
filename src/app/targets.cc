// Resolving a word to a snapshot.
#include "app/targets.h"

#include <fmt/format.h>

#include <cstdlib>

#include "config/load.h"

namespace etcdrill::app {
namespace {

constexpr uint64_t kManifestBytesMax = uint64_t{4} << 20;

std::optional<store::Manifest> ManifestBeside(const Context& context, const std::string& path) {
  if (!path.ends_with(".db")) return std::nullopt;
  const auto text = context.fs.ReadWhole(path.substr(0, path.size() - 3) + ".json", kManifestBytesMax);
  if (!text.ok()) return std::nullopt;
  const auto manifest = store::ParseManifest(*text);
  return manifest.ok() ? std::optional(*manifest) : std::nullopt;
}

}  // namespace

Result<Target> FindTarget(const Context& context, const std::string& word, const std::string& config_file) {
  const bool is_path = config_file.empty() || word.find('/') != std::string::npos || context.fs.Exists(word);
  if (is_path) {
    const auto info = context.fs.Stat(word);
    if (!info.ok()) {
      const std::string hint = config_file.empty() ? "; a name in a store needs --config FILE" : "";
      return Error(ReasonOf(info.status()), fmt::format("{}{}", MessageOf(info.status()), hint));
    }
    return Target{.name = word, .path = word, .manifest = ManifestBeside(context, word)};
  }
  ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, config_file));
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  ASSIGN_OR_RETURN(const pipeline::Catalog catalog, pipeline::ReadCatalog(context, *store, config.cluster.name));
  ASSIGN_OR_RETURN(const store::Manifest manifest, pipeline::SelectSnapshot(context, catalog, word));
  Target target{
      .name = manifest.name, .path = store->SnapshotPath(manifest.name), .manifest = manifest, .in_store = true};
  ASSIGN_OR_RETURN(target.use, store->Use(manifest.name));
  for (const pipeline::CatalogEntry& entry : catalog.snapshots) {
    target.others.push_back(entry.manifest);
    if (entry.manifest.name != target.name) continue;
    const bool from_the_start = entry.manifest.verdict == verify::VerdictName(verify::Verdict::kDamaged);
    if (entry.state == pipeline::SnapshotState::kFailed && !from_the_start) target.damaged = entry;
  }
  return target;
}

std::string DefaultScratchDir() {
  const char* tmp = std::getenv("TMPDIR");
  return tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
}

}  // namespace etcdrill::app
