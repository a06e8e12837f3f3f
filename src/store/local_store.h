// Where snapshots live: a directory (0700) with NAME.db and NAME.json for each, drill reports in drills/, and
// state.json. Everything that the sidecar knows after a restart is read from these files. They hold every secret of the
// cluster.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/context.h"
#include "io/durable_file.h"
#include "store/manifest.h"

namespace etcdrill::store {

struct DrillFile {
  std::string name;  // NAME-UTC
  std::string json;
};

// Safe for use from any thread, as long as no two seal the same name. `context` must outlive it.
class LocalStore {
 public:
  // Creates the directory if it is missing.
  static Result<std::unique_ptr<LocalStore>> Open(const Context& context, const std::string& path);

  // For the one sidecar that owns the store: locks it (kBusy if another one does) and removes what a killed run left.
  Status TakeOwnership();

  const std::string& path() const { return path_; }
  // When the store first came into being.
  WallTime created() const { return created_; }

  // A path for a file that will be sealed later.
  std::string StagingPath();
  // Publishes a staged file: first NAME.db, then NAME.json; each synced and renamed.
  Status Seal(DurableFile file, const Manifest& manifest);

  std::string SnapshotPath(std::string_view name) const;
  // All complete snapshots, oldest first. One whose manifest can't be read, or whose file is not there, is logged and
  // left out.
  Result<std::vector<Manifest>> List() const;
  // kNotFound if there is no such snapshot, kDamaged if its file and its manifest do not fit.
  Result<Manifest> Find(std::string_view name) const;

  // Appends a report. `make` gets those before it, oldest first, and returns the JSON; nobody else appends meanwhile,
  // no other process either. kBusy if one does for longer than a few seconds.
  using MakeReport = std::function<std::string(const std::vector<DrillFile>& earlier)>;
  Status AddDrillReport(std::string_view snapshot, WallTime finished, const MakeReport& make);
  // Oldest first; one that can't be read is logged and left out.
  Result<std::vector<DrillFile>> DrillReports() const;

 private:
  LocalStore(const Context& context, std::string path, WallTime created)
      : context_(context), path_(std::move(path)), created_(created) {}

  Result<std::unique_ptr<FileLock>> LockDrills() const;

  const Context& context_;
  const std::string path_;
  const WallTime created_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace etcdrill::store
