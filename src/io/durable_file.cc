// The steps follow restic's local backend: sync before rename, directory sync after it.
#include "io/durable_file.h"

#include "base/check.h"

namespace etcdrill {

Result<DurableFile> DurableFile::Create(FileSystem& fs, const std::string& temp_path, uint32_t mode) {
  ASSIGN_OR_RETURN(auto file, fs.Create(temp_path, mode));
  return DurableFile(fs, temp_path, std::move(file));
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : fs_(other.fs_), temp_path_(std::move(other.temp_path_)), file_(std::move(other.file_)) {}

DurableFile::~DurableFile() {
  // Nothing can be done here if the removal fails; the store sweeps such leftovers when it opens.
  if (file_ != nullptr) fs_.Unlink(temp_path_).IgnoreError();
}

Status DurableFile::Commit(const std::string& target) {
  CHECK(file_ != nullptr);
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(fs_.Rename(temp_path_, target));
  file_.reset();
  return fs_.SyncDir(DirName(target));
}

Status WriteFileDurably(FileSystem& fs, const std::string& path, std::string_view content, uint32_t mode) {
  const std::string temp_path = JoinPath(DirName(path), "." + BaseName(path) + ".part");
  if (fs.Exists(temp_path)) RETURN_IF_ERROR(fs.Unlink(temp_path));  // of a writer that was killed
  ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(fs, temp_path, mode));
  RETURN_IF_ERROR(file.Append(content));
  return file.Commit(path);
}

}  // namespace etcdrill
