// A directory that comes into being whole, by one rename. The hard fact: rename(2) can replace
// neither a mount point nor "." (EBUSY), and must not replace what is there; so what is renamed is
// the outermost directory of the path that does not exist yet. It is built beside its place under a
// hidden name, ".NAME.restoring-RANDOM"; what a killed restore left there is removed by the next
// one into the same place, and nobody else's (io/scratch_dir.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/scratch_dir.h"

namespace etcdrill::restore {

// Not thread-safe. Removed with all that was built, unless it was committed. `context` must outlive
// it.
class StagedDir {
 public:
  // How the names begin under which a directory of this name is built.
  static std::string PrefixFor(std::string_view name);

  // `target` is absolute and without links (FileSystem::Resolve), or two names of one place would
  // be taken for two. It does not exist; some directory above it does.
  static Result<StagedDir> Create(const Context& context, const std::string& target);

  // Whether `path` will come into being with it.
  bool Covers(const std::string& path) const {
    return path == top_ || path.starts_with(top_ + "/");
  }
  // Where to build what will be at `path`, which it covers.
  std::string PathOf(const std::string& path) const {
    return scratch_->path() + path.substr(top_.size());
  }

  // Makes it visible; `sync`: files in it are synced already, and its directories and its name are
  // to last, too. After an error nothing is left; if the disk refuses the removal, or power is lost
  // before that lasts, the whole directory, or what is left of it under its hidden name.
  Status Commit(bool sync);
  // Removes it again after Commit, because something that belongs to it failed; as after an error
  // of Commit.
  void Revoke();

 private:
  StagedDir(FileSystem* fs, std::string top, std::unique_ptr<ScratchDir> scratch)
      : fs_(fs), top_(std::move(top)), scratch_(std::move(scratch)) {}

  FileSystem* fs_;
  std::string top_;
  std::unique_ptr<ScratchDir> scratch_;
};

// The directory in which a StagedDir for `target` will be made.
Result<std::string> StagingParent(FileSystem& fs, const std::string& target);

}  // namespace etcdrill::restore
