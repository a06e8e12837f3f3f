// The steps follow restic's local backend: sync before rename, directory sync after it.
#include "io/durable_file.h"

#include <utility>

#include "base/check.h"

namespace etcdrill {
namespace {

// What a writer left that was killed; kBusy if it is alive, and holds the lock of its file.
Status RemoveAbandoned(FileSystem& fs, const std::string& temp_path) {
  const auto lock = fs.LockExisting(temp_path);
  if (Is(lock, Reason::kNotFound)) return OkStatus();
  if (Is(lock, Reason::kBusy)) return lock.status();
  if (lock.ok() && *lock != nullptr && !(*lock)->Guards(temp_path)) {  // one more was faster
    return Error(Reason::kBusy, "create {}: another etcdrill is writing the file", temp_path);
  }
  const Status removed = fs.Unlink(temp_path);
  return Is(removed, Reason::kNotFound) ? OkStatus() : removed;
}

// Under the temporary name of `path`.
Result<DurableFile> Stage(FileSystem& fs, const std::string& path, std::string_view content,
                          uint32_t mode) {
  const std::string temp_path = JoinPath(DirName(path), "." + BaseName(path) + ".part");
  RETURN_IF_ERROR(RemoveAbandoned(fs, temp_path));
  ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(fs, temp_path, mode));
  RETURN_IF_ERROR(file.Append(content));
  return file;
}

}  // namespace

Result<DurableFile> DurableFile::Create(FileSystem& fs, const std::string& temp_path,
                                        uint32_t mode) {
  ASSIGN_OR_RETURN(auto file, fs.Create(temp_path, mode));
  return DurableFile(fs, temp_path, std::move(file));
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : fs_(other.fs_),
      temp_path_(std::move(other.temp_path_)),
      file_(std::move(other.file_)),
      synced_(other.synced_) {}

DurableFile::~DurableFile() {
  // Nothing can be done here if the removal fails; the store sweeps such leftovers when it opens.
  if (file_ != nullptr) fs_.Unlink(temp_path_).IgnoreError();
}

Status DurableFile::Sync() {
  CHECK(file_ != nullptr);
  if (!synced_) RETURN_IF_ERROR(file_->Sync());
  synced_ = true;
  return OkStatus();
}

Status DurableFile::Commit(const std::string& target) {
  const Status done = Replace(target);
  const bool renamed = file_ == nullptr;
  if (!done.ok() && renamed) fs_.Unlink(target).IgnoreError();
  return done;
}

Status DurableFile::Replace(const std::string& target) {
  RETURN_IF_ERROR(Sync());
  RETURN_IF_ERROR(fs_.Rename(temp_path_, target));
  file_.reset();
  return fs_.SyncDir(DirName(target));
}

Status WriteFileDurably(FileSystem& fs, const std::string& path, std::string_view content,
                        uint32_t mode) {
  ASSIGN_OR_RETURN(DurableFile file, Stage(fs, path, content, mode));
  return file.Replace(path);
}

Status WriteNewFileDurably(FileSystem& fs, const std::string& path, std::string_view content) {
  ASSIGN_OR_RETURN(DurableFile file, Stage(fs, path, content, kPrivateFileMode));
  return file.Commit(path);
}

Status MakeDirsDurably(FileSystem& fs, const std::string& path, uint32_t mode) {
  ASSIGN_OR_RETURN(const bool there, fs.IsThere(path));
  const std::string parent = DirName(path);
  if (!there && parent != path) RETURN_IF_ERROR(MakeDirsDurably(fs, parent, mode));
  RETURN_IF_ERROR(fs.MakeDirs(path, mode));
  return there ? OkStatus() : fs.SyncDir(parent);
}

}  // namespace etcdrill
