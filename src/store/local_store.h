// Where snapshots live: a directory (0700) with NAME.db and NAME.json for each, drill reports in drills/, and
// state.json. Everything that the sidecar knows after a restart is read from these files. They hold every secret of the
// cluster.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/context.h"
#include "io/durable_file.h"
#include "store/checks.h"
#include "store/drill_mark.h"
#include "store/drill_order.h"
#include "store/manifest.h"
#include "store/told_files.h"

namespace etcdrill::store {

struct StoredSnapshot {
  Manifest manifest;
  Checks checks;
  // At first sight: OK; kDamaged if its file can't be what was stored; else why the file can't be
  // looked at, which may be another in the next moment.
  Status problem;
};

enum class Ownership {
  kAlone,
  kShared,  // with sidecars that take turns (`snapshot.when`)
};

// Safe for use from any thread and by several processes, as long as no two seal the same name. `context` must outlive
// it.
class LocalStore {
 public:
  // Creates the directory if it is missing.
  static Result<std::unique_ptr<LocalStore>> Open(const Context& context, const std::string& path);

  // For a sidecar: locks the store for as long as this lives (kBusy, naming the owner, if another one does) and removes
  // what a killed run left.
  Status TakeOwnership(Ownership ownership = Ownership::kAlone);

  const std::string& path() const { return path_; }
  // When the store first came into being.
  WallTime created() const { return created_; }

  // A path for a file that will be sealed later.
  std::string StagingPath();
  // Publishes a staged file: first NAME.db, then NAME.json; each synced and renamed.
  Status Seal(DurableFile file, const Manifest& manifest);

  std::string SnapshotPath(std::string_view name) const;
  // All that have a manifest, oldest first (order.h). One whose manifest can't be read is left out,
  // and logged once for each change of it.
  Result<std::vector<StoredSnapshot>> List() const;
  // Whether there is one of that name, whole or not.
  bool Has(std::string_view name) const;
  // kNotFound if there is no such snapshot, kDamaged if its file and its manifest do not fit.
  Result<Manifest> Find(std::string_view name) const;

  // While it is held, nobody deletes the snapshot, no other process either. kNotFound if it is not there, or goes just
  // now. Null on a file system that can't lock it.
  Result<std::unique_ptr<FileLock>> Use(const std::string& name) const;
  // Changes what is kept of it in checks/; kNotFound if there is no such snapshot any more.
  Status UpdateChecks(const std::string& name, const std::function<void(Checks&)>& change);
  // Sealing backwards: first the manifest goes, so that at no moment it speaks for a file that is not there; a file
  // that a crash leaves behind is removed by the next owner. kBusy if it is in use. Drill reports stay: they are
  // evidence.
  Status Delete(const std::string& name);

  // Appends a report. `make` gets the one that was written last and returns the JSON; nobody else
  // appends meanwhile, no other process either. kBusy if one does for longer than a few seconds.
  using MakeReport = std::function<std::string(const std::optional<DrillFile>& previous)>;
  Status AddDrillReport(std::string_view snapshot, WallTime finished, const MakeReport& make);
  // In the order in which they were written; one that can't be read is left out, and logged once
  // for each change of it.
  Result<std::vector<DrillFile>> DrillReports() const;
  // Whether it was not yet told that this report is unreadable, as it is now.
  bool IsNewsOfDrill(std::string_view name) const { return told_.IsNews(context_.fs, DrillPath(name)); }

  // A drill begins, and ends when the mark goes; see drill_mark.h.
  Result<std::unique_ptr<DrillMark>> MarkDrill(const std::string& text) const;
  Status TakeDeadDrills(const std::function<Status(const std::string& text)>& tell) const;

  // Differs from the answer before if files came or went meanwhile, whoever did it.
  using Stamp = std::array<WallTime, 3>;
  Stamp CurrentStamp() const;

 private:
  std::string ManifestPath(std::string_view name) const;
  std::string ChecksPath(std::string_view name) const;
  Result<Manifest> ReadManifest(std::string_view name) const;
  Status CheckFile(const Manifest& manifest) const;
  Checks ReadChecks(std::string_view name) const;
  Status Sweep(const std::string& dir, Duration age_min);
  std::string DrillPath(std::string_view name) const;
  Result<std::vector<std::string>> DrillNames() const;
  std::optional<DrillFile> ReadDrill(const std::string& name) const;
  Status CheckStop() const;
  LocalStore(const Context& context, std::string path, WallTime created)
      : context_(context), path_(std::move(path)), created_(created) {}

  const Context& context_;
  const std::string path_;
  const WallTime created_;
  std::unique_ptr<FileLock> lock_;
  mutable ToldFiles told_;
};

}  // namespace etcdrill::store
