// A directory's own entries must be on the disk before its name is, so directories are synced from
// the inside out.
#include "restore/staged_dir.h"

#include <fmt/format.h>

namespace etcdrill::restore {
namespace {

// The outermost part of the path that is not there.
Result<std::string> FirstMissing(FileSystem& fs, std::string path) {
  while (DirName(path) != path) {
    ASSIGN_OR_RETURN(const bool has_place, fs.IsThere(DirName(path)));
    if (has_place) break;
    path = DirName(path);
  }
  return path;
}

Status SyncTree(FileSystem& fs, const std::string& dir) {
  ASSIGN_OR_RETURN(const auto names, fs.List(dir));
  for (const std::string& name : names) {
    const std::string path = JoinPath(dir, name);
    ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
    if (info.kind == FileInfo::Kind::kDirectory) RETURN_IF_ERROR(SyncTree(fs, path));
  }
  return fs.SyncDir(dir);
}

}  // namespace

Result<std::string> StagingParent(FileSystem& fs, const std::string& target) {
  ASSIGN_OR_RETURN(const std::string top, FirstMissing(fs, target));
  return DirName(top);
}

std::string StagedDir::PrefixFor(std::string_view name) {
  return fmt::format(".{}.restoring-", name);
}

Result<StagedDir> StagedDir::Create(const Context& context, const std::string& target) {
  ASSIGN_OR_RETURN(std::string top, FirstMissing(context.fs, target));
  ASSIGN_OR_RETURN(auto scratch,
                   ScratchDir::Create(context, DirName(top), PrefixFor(BaseName(top))));
  return StagedDir(&context.fs, std::move(top), std::move(scratch));
}

Status StagedDir::Commit(bool sync) {
  if (sync) RETURN_IF_ERROR(SyncTree(*fs_, scratch_->path()));
  RETURN_IF_ERROR(scratch_->KeepAs(top_));
  const Status synced = sync ? fs_->SyncDir(DirName(top_)) : OkStatus();
  if (!synced.ok()) Revoke();
  return synced;
}

void StagedDir::Revoke() {
  // It is hidden in one step, and for good, before anything of it goes: a removal in its place
  // could stop half-way. What stays hidden is swept by the next restore.
  if (!fs_->Rename(top_, scratch_->path()).ok()) return;
  if (fs_->SyncDir(DirName(top_)).ok()) fs_->RemoveAll(scratch_->path()).IgnoreError();
}

}  // namespace etcdrill::restore
