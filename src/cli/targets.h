// What commands work on: the snapshot that an argument means (a file, or something in the store of
// a configuration file), and where scratch goes if nobody says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "io/context.h"
#include "proof/manifest.h"
#include "verify/report.h"

namespace etcdrill::cli {

struct Target {
  std::string name;  // in the store, or the path
  std::string path;
  std::optional<Manifest> manifest;
  bool in_store = false;
  std::optional<catalog::CatalogEntry> damaged;  // by the scrub or a drill, after it was stored
  std::vector<Manifest> others;                  // in the same store
  std::shared_ptr<FileLock> use;  // as long as it is held, the sidecar does not delete it
};

// The manifest NAME.json beside a file NAME.db, where a link leads to it, too; none if there is
// none. Beside a name that no store gives, what is no manifest is somebody else's; beside one of a
// store's it is an error.
Result<std::optional<Manifest>> ManifestBeside(const Context& context, const std::string& file);

// Without a configuration file the word is a path, and the manifest beside it counts. With one,
// "latest", "latest-restorable" and "random" never are.
Result<Target> FindTarget(const Context& context, const std::string& word,
                          const std::string& config_file);

// TMPDIR, or /tmp.
std::string DefaultScratchDir();

ExitCode ExitCodeOf(Verdict verdict);

}  // namespace etcdrill::cli
