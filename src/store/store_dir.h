// The directory that a store lies in: made if it is missing, owned by one sidecar, swept of what
// killed or failed runs left. The hard fact: while a sidecar runs, the path may come to lead
// elsewhere. A file system is mounted late, or goes, or somebody moves the directory away; a lock
// is on a file, not on its name, so it guards nothing then.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "io/context.h"
#include "io/file_system.h"

namespace etcdrill::store {

// What was told of files that can't be used, so that each is told once for each change and not on
// each reading. Safe for use from any thread.
class ToldFiles {
 public:
  // True the first time, and whenever the file is another than the last time. One that is gone is a
  // change, too.
  bool IsNews(FileSystem& fs, const std::string& path) {
    const FileInfo now = fs.Stat(path).value_or(FileInfo{});
    const std::lock_guard lock(mutex_);
    const auto [at, first] = told_.try_emplace(path, now);
    if (!first && at->second.IsSameFile(now)) return false;
    at->second = now;
    return true;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, FileInfo> told_;  // by path; a few bytes a file that was ever unreadable
};

inline constexpr std::string_view kStateFile = "state.json";        // when the store was made
inline constexpr std::string_view kSuspectsFile = "suspects.json";  // see suspects.h

enum class Ownership {
  kAlone,
  kShared,  // with sidecars that take turns (`snapshot.when`)
};

// Safe for use from any thread and by several processes. `context` must outlive it.
class StoreDir {
 public:
  // Makes what is missing, so that it lasts.
  static Result<std::unique_ptr<StoreDir>> Open(const Context& context, std::string path);

  // For a sidecar: locks the directory for as long as this lives (kBusy, naming the owner, if
  // another one does) and sweeps.
  Status TakeOwnership(Ownership ownership);
  // For an owner, before each use: if the path does not lead to what it owns any more, all is done
  // there as at the start. An error says why that can't be; the next call tries again. Nothing for
  // others.
  Status Attend();
  // Removes what failed runs left an hour ago or before. What can't be removed stays, and is told
  // once.
  Status SweepOld();

  // For the few milliseconds that it takes to change files in that folder; one waits for another,
  // but kBusy after a few seconds.
  Result<std::unique_ptr<FileLock>> LockDrills() const;
  Result<std::unique_ptr<FileLock>> LockChecks() const;  // and the snapshots themselves

  const std::string& path() const [[clang::lifetimebound]] { return path_; }
  std::string drills() const;
  std::string checks() const;
  std::string snapshot(std::string_view name) const;
  std::string manifest(std::string_view name) const;
  // The manifest while it does not count: its snapshot is not sealed yet, or goes.
  std::string unsealed(std::string_view name) const;
  // When the store first came into being.
  WallTime created() const;
  // A path, in no use by anybody, of which a file is a leftover once its writer is gone.
  std::string StagingPath() const;

 private:
  StoreDir(const Context& context, std::string path) : context_(context), path_(std::move(path)) {}
  Status Make();  // the directories and `created`
  Status Own(Ownership ownership);
  Status Sweep(Duration age_min);
  Status RemoveLeftovers(const std::vector<std::string>& paths, Duration age_min);
  Status RemoveLeftover(const std::string& path, Duration age_min);
  std::string lock_path() const;

  const Context& context_;
  const std::string path_;
  ToldFiles told_;  // what can't be removed
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  WallTime created_;
  std::optional<Ownership> ownership_;  // none: nobody's
  std::unique_ptr<FileLock> lock_;
};

}  // namespace etcdrill::store
