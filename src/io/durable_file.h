// The one way a file that must last comes into being: written under a temporary name beside its
// target, synced, renamed, and the directory synced. A failed fsync is never tried again: after it
// the kernel may have dropped the dirty pages, so the file must be made anew.
//
// After an error nothing half-made shows under the target's name, and the temporary file is
// removed, also when the object dies uncommitted. Where the disk refuses that, too, the temporary
// file stays, under its hidden name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "io/file_system.h"

namespace etcdrill {

// Not thread-safe. `fs` must outlive the object.
class DurableFile {
 public:
  // `temp_path` must lie on the same file system as the later target, and be a name that nobody
  // else uses: a file that is there is an error (kAlreadyExists).
  static Result<DurableFile> Create(FileSystem& fs, const std::string& temp_path,
                                    uint32_t mode = kPrivateFileMode);

  DurableFile(DurableFile&& other) noexcept;
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;
  DurableFile& operator=(DurableFile&&) = delete;
  ~DurableFile();

  const std::string& temp_path() const [[clang::lifetimebound]] { return temp_path_; }
  Status Append(std::string_view bytes) {
    synced_ = false;
    return file_->Append(bytes);
  }
  // The first half of Commit, which may take long for much data.
  Status Sync();
  // Makes the file visible as `target`, a name in the directory of the temporary file that nobody
  // has, and durable. After an error it is not there; if the disk refuses its removal, or power is
  // lost before that lasts, it is there whole.
  Status Commit(const std::string& target);
  // The same for a name that may be there, and then leads to the new file in one step. After an
  // error it leads to the old file or to the new one, and a power loss may change that: each of
  // them is whole.
  Status Replace(const std::string& target);

 private:
  DurableFile(FileSystem& fs, std::string temp_path, std::unique_ptr<WritableFile> file)
      : fs_(fs), temp_path_(std::move(temp_path)), file_(std::move(file)) {}

  FileSystem& fs_;
  std::string temp_path_;
  std::unique_ptr<WritableFile> file_;  // null once committed or moved from
  bool synced_ = false;
};

// Create, Append, Replace in one call, through ".NAME.part" beside `path`; kBusy if somebody else
// does so right now.
Status WriteFileDurably(FileSystem& fs, const std::string& path, std::string_view content,
                        uint32_t mode = kPrivateFileMode);
// The same for a name that is not there yet, with Commit: after an error it is not there either.
Status WriteNewFileDurably(FileSystem& fs, const std::string& path, std::string_view content);

// Makes the directory and what is missing of its parents, so that they outlive a power loss. After
// an error some of them may be there.
Status MakeDirsDurably(FileSystem& fs, const std::string& path, uint32_t mode = kPrivateDirMode);

}  // namespace etcdrill
