// A directory's own entries must be on the disk before its name is, so directories are synced from the inside out.
#include "restore/staged_dir.h"

#include <fmt/format.h>

namespace etcdrill::restore {
namespace {

// The outermost part of the path that is not there.
std::string FirstMissing(FileSystem& fs, std::string path) {
  while (DirName(path) != path && !fs.Exists(DirName(path))) path = DirName(path);
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

std::string StagingParent(FileSystem& fs, const std::string& target) { return DirName(FirstMissing(fs, target)); }

std::string StagedDir::PrefixFor(std::string_view name) { return fmt::format(".{}.restoring-", name); }

Result<StagedDir> StagedDir::Create(const Context& context, const std::string& target) {
  std::string top = FirstMissing(context.fs, target);
  ASSIGN_OR_RETURN(auto scratch, ScratchDir::Create(context, DirName(top), PrefixFor(BaseName(top))));
  return StagedDir(&context.fs, std::move(top), std::move(scratch));
}

Status StagedDir::Commit(bool sync) {
  if (sync) RETURN_IF_ERROR(SyncTree(*fs_, scratch_->path()));
  RETURN_IF_ERROR(scratch_->KeepAs(top_));
  const Status synced = sync ? fs_->SyncDir(DirName(top_)) : OkStatus();
  if (!synced.ok()) Revoke();
  return synced;
}

}  // namespace etcdrill::restore
