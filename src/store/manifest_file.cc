#include "store/manifest_file.h"

#include <tuple>

namespace etcdrill::store {

constexpr uint64_t kManifestBytesMax = uint64_t{4} << 20;

Result<Manifest> ReadManifest(FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, fs.ReadWhole(path, kManifestBytesMax));
  auto manifest = ParseManifest(text);
  if (!manifest.ok()) return Annotate(manifest.status(), path);
  return manifest;
}

Result<Manifest> ReadManifestOf(FileSystem& fs, const std::string& snapshot_path) {
  const std::string stem = snapshot_path.substr(0, snapshot_path.rfind('.'));
  const std::string path = stem + ".json";
  ASSIGN_OR_RETURN(Manifest manifest, ReadManifest(fs, path));
  // A manifest speaks for its own file only.
  if (manifest.name == BaseName(stem)) return manifest;
  return Error(Reason::kDamaged, "{}: the file is the manifest of {}", path, manifest.name);
}

bool IsOlder(const Manifest& a, const Manifest& b, WallTime now) {
  const auto rank = [now](const Manifest& m) {
    const bool dated = !IsFuture(m.taken, now);
    return std::tuple(m.place, dated, dated ? m.taken : WallTime(), m.revision);
  };
  return rank(a) < rank(b);
}

}  // namespace etcdrill::store
