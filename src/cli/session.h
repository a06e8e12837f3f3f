// What commands work on. What one reads once: its configuration file, and the store that the file
// names; read twice, the file could have changed in between. The snapshot that an argument means: a
// file, or something in that store. And where scratch goes if nobody says.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "cli/commands.h"
#include "config/config.h"
#include "etcd/client.h"
#include "io/context.h"
#include "io/scratch_dir.h"
#include "objects/metered.h"
#include "proof/manifest.h"
#include "sites/contents.h"
#include "sites/site.h"
#include "store/local_store.h"

namespace etcdrill::cli {

// The file is read and the store opened when they are first asked for: a command on a plain file
// needs neither. For one thread; what it returns lives as long as the session.
class Session {
 public:
  // `config_file` may be empty: then there is neither. `context` must outlive it.
  Session(const Context& context, std::string config_file);

  bool has_config() const { return !config_file_.empty(); }
  Result<const config::Config*> Config();
  Result<store::LocalStore*> Store();
  std::string Cluster();  // as the file names it; empty without one, or if it can't be read
  // What the file says of the site of that name; kUsage, with the names there are, if it has none.
  Result<const config::SiteConfig*> SiteConfig(const std::string& name);
  // That site, opened once.
  Result<sites::Site*> Site(const std::string& name);
  // What it holds of the file's cluster now, by its manifests and its bytes.
  Result<std::shared_ptr<const sites::Contents>> ContentsOf(const std::string& site);
  // The file's cluster if there is a file, else the flags'.
  Result<etcd::ConnectionOptions> Connection(const ConnectionFlags& flags);

 private:
  const Context& context_;
  const std::string config_file_;
  std::optional<config::Config> config_;
  std::unique_ptr<store::LocalStore> store_;
  objects::Meter meter_;  // of all sites; nobody reads it
  std::map<std::string, std::unique_ptr<sites::Site>> sites_;
};

Result<etcd::ConnectionOptions> ToConnectionOptions(const ConnectionFlags& flags);

struct Target {
  std::string name;  // in the store, or the path
  std::string path;
  std::optional<Manifest> manifest;
  store::LocalStore* store = nullptr;            // the session's; null: it is a plain file
  std::optional<catalog::CatalogEntry> damaged;  // by the scrub or a drill, after it was stored
  std::vector<Manifest> others;                  // in the same store
  std::shared_ptr<FileLock> use;        // as long as it is held, the sidecar does not delete it
  std::shared_ptr<ScratchDir> scratch;  // that a copy was fetched into; goes with the last of these
};

// The manifest NAME.json beside a file NAME.db, where a link leads to it, too; none if there is
// none. Beside a name that no store gives, what is no manifest is somebody else's; beside one of a
// store's it is an error.
Result<std::optional<Manifest>> ManifestBeside(const Context& context, const std::string& file);

// Without a configuration file the word is a path, and the manifest beside it counts. With one,
// "latest", "latest-restorable" and "random" never are.
// With a site it is the copy that FindCopy finds, fetched into the drills' scratch.
Result<Target> FindTarget(const Context& context, Session& session, const std::string& word,
                          const std::string& site = "");

// The record of the copy that the word means at a site: "latest", "latest-restorable", "random",
// the name of a copy, or that of a snapshot, of which any usable copy will do.
// `contents` are those of the site.
Result<sites::CopyRecord> FindCopy(const Context& context, const sites::Contents& contents,
                                   const std::string& site, const std::string& word);

// TMPDIR, or /tmp.
std::string DefaultScratchDir();

}  // namespace etcdrill::cli
