// Where snapshots live: a directory (0700) with NAME.db and NAME.json for each, drill reports in
// drills/, and state.json. Everything that the sidecar knows after a restart is read from these
// files. They hold every secret of the cluster.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "io/context.h"
#include "io/durable_file.h"
#include "proof/checks.h"
#include "proof/manifest.h"
#include "store/drill_mark.h"
#include "store/drill_order.h"
#include "store/store_dir.h"
#include "store/suspects.h"
#include "store/unkept.h"

namespace etcdrill::store {

// What is there; nothing of it is read.
struct Listing {
  std::vector<std::string> manifests;  // of snapshots; without one beside it, somebody's notes
  std::set<std::string> files;         // the snapshots themselves, with a manifest or without
  std::set<std::string> checks;        // snapshots of which something was seen later
  std::set<std::string> unkept;        // those of them of which the disk has not all
  std::vector<std::string> unproven;   // snapshots without a manifest; some just come or go
};

// A snapshot whose manifest can't be read, or is not there though nobody of us removed it: nobody
// can tell anything of it.
struct LostManifest {
  std::string name;  // of the snapshot
  Status why;

  bool operator==(const LostManifest&) const = default;
};

// What becomes of a finding that the disk refuses to take.
enum class IfRefused {
  kForget,
  kCount,  // in this process, as if it were written; see unkept.h
};

// Safe for use from any thread and by several processes, as long as no two seal the same name.
// `context` must outlive it. What a function that returned OK wrote outlives a power loss; after an
// error the store is as it was, or as it should be, unless the function says more. What lists or
// writes attends to an owner's directory first (store_dir.h), so that it works wherever the path
// leads to, or says why it can't.
class LocalStore {
 public:
  // Creates the directory if it is missing.
  static Result<std::unique_ptr<LocalStore>> Open(const Context& context, const std::string& path);

  // For a sidecar: locks the store for as long as this lives (kBusy, naming the owner, if another
  // one does) and removes what a killed run left.
  Status TakeOwnership(Ownership ownership = Ownership::kAlone) {
    return dir_->TakeOwnership(ownership);
  }
  // For the owner, now and then: removes what failed runs left an hour ago or before.
  Status Tidy();

  const std::string& path() const [[clang::lifetimebound]] { return dir_->path(); }
  // Names this store for ever, on whichever host it is mounted: 16 hexadecimal digits, made when
  // they are first asked for. A copy of the directory has the same.
  Result<std::string> Id() const;
  // Which place each site was when it was copied to, by the name of the site. kDamaged if the
  // record of it can't be understood: it is in force until somebody removes it.
  using SiteIds = std::map<std::string, std::string>;
  Result<SiteIds> KnownSites() const;
  // The first that is remembered stays.
  Status RememberSite(const std::string& site, const std::string& id);
  std::string KnownSitesPath() const;
  // When the store first came into being.
  WallTime created() const { return dir_->created(); }

  // A path for a file that will be sealed later.
  std::string StagingPath();
  // Publishes a staged file: the manifest as .NAME.json.part, then NAME.db, then the manifest under
  // its name; each synced. kAlreadyExists if one of the two names is taken: then the file is as it
  // was, and can be sealed under another name. After another error
  // none is there, backwards: the manifest never speaks for a file that is gone. If the disk
  // refuses to undo as well, the snapshot stays whole, or unsealed: .NAME.json.part, NAME.db beside
  // it or not, which is in no list and goes with the next sweep; so after a power loss, too.
  Status Seal(DurableFile& file, const Manifest& manifest);

  std::string SnapshotPath(std::string_view name) const { return dir_->snapshot(name); }
  std::string ManifestPath(std::string_view name) const { return dir_->manifest(name); }
  std::string ChecksPath(std::string_view name) const;
  // Whose times change when something comes or goes.
  std::vector<std::string> Directories() const { return {path(), dir_->drills(), dir_->checks()}; }
  std::string SuspectsPath() const;
  std::string DrillPath(std::string_view name) const;

  Result<Listing> List() const;
  // Whether the snapshot is there, sealed.
  Result<bool> Has(const std::string& name) const;
  Result<Manifest> ReadManifest(std::string_view name) const;
  // At first sight: OK; kDamaged if its file can't be what was stored; else why the file can't be
  // looked at, which may be another in the next moment.
  Status CheckFile(const Manifest& manifest) const;
  // Those of nobody if there is no record. An error says why it can't be read: it may tell of
  // damage.
  Result<Checks> ReadChecks(const std::string& name) const;
  // Those `unproven` that neither come nor go; each is told once for each change of it.
  Result<std::vector<LostManifest>> FindLost(const std::vector<std::string>& unproven) const;
  // A warning, once for each change of the file.
  void TellOf(const std::string& path, std::string_view what, Logger::Fields fields) const;

  // While it is held, nobody deletes the snapshot, no other process either. kNotFound if it is not
  // there, or goes just now. Null on a file system that can't lock it.
  Result<std::unique_ptr<FileLock>> Use(const std::string& name) const;
  // Changes what is kept of it in checks/; kNotFound if there is no such snapshot any more. A
  // record that can't be read just now is not replaced.
  Status UpdateChecks(const std::string& name, const std::function<void(Checks&)>& change,
                      IfRefused if_refused = IfRefused::kForget);
  // None if none were ever kept. What is no record of them counts as none kept; that, and a file
  // that can't be read, is logged once for each change of it.
  Result<std::optional<std::vector<Suspect>>> Suspects() const;
  // A file that can't be read just now is not replaced. After an error those are kept that were
  // kept before, or as `change` has left them.
  Status UpdateSuspects(const std::function<void(std::vector<Suspect>&)>& change);
  // Sealing backwards: first the manifest becomes .NAME.json.part, so that at no moment it speaks
  // for a file that is not there; then NAME.db goes, then what is kept of it. After an error or a
  // crash it is there whole, or unsealed: in no list, and gone with the next sweep. kBusy if it is
  // in use. Drill reports stay: they are evidence.
  Status Delete(const std::string& name);

  // Appends a report. `make` gets the one that was written last and returns the JSON; nobody else
  // appends meanwhile, no other process either. kBusy if one does for longer than a few seconds.
  // With kCount `make` has to outlive the call.
  Status AddDrillReport(std::string_view snapshot, WallTime finished, const MakeReport& make,
                        IfRefused if_refused = IfRefused::kForget);
  // In the order in which they were written; one that can't be read says so, and is logged once for
  // each change of it.
  Result<std::vector<DrillFile>> DrillReports() const;
  // By the time in the name.
  Result<std::vector<std::string>> DrillNames() const;
  DrillFile ReadDrill(const std::string& name) const;
  // What the disk refused (IfRefused::kCount), as it follows `last`.
  std::vector<DrillFile> UnkeptReports(std::optional<DrillFile> last) const;

  // Tries again what the disk refused (IfRefused::kCount); for whoever looks now and then.
  void WriteUnkept();
  // Why the disk refuses what counts all the same; empty if it refuses nothing.
  std::string unkept() const { return unkept_.why(); }

  // A drill begins, and ends when the mark goes; see drill_mark.h.
  Result<std::unique_ptr<DrillMark>> MarkDrill(const std::string& text) const;
  Status TakeDeadDrills(const std::function<Status(const std::string& text)>& tell) const;

 private:
  Result<std::string> ReadChecksText(const std::string& name) const;
  Result<Checks> ChecksOf(const std::string& name, const Result<std::string>& text) const;
  Status WriteChecks(const std::string& name, const std::function<void(Checks&)>& change);
  Result<std::vector<DrillFile>> StoredReports() const;
  Status WriteReports(const NewReport* newest);  // null: none
  Status AppendReport(const NewReport& report);
  Status Undo(const std::string& name);
  Status Unseal(const std::string& name);
  Status RemoveUnsealed(const std::string& name);
  Result<bool> IsLost(const std::string& name) const;
  LocalStore(const Context& context, std::unique_ptr<StoreDir> dir)
      : context_(context), dir_(std::move(dir)) {}

  const Context& context_;
  const std::unique_ptr<StoreDir> dir_;
  mutable ToldFiles told_;
  std::mutex checks_mutex_;  // held by who changes a record of checks
  mutable Unkept unkept_;
};

}  // namespace etcdrill::store
