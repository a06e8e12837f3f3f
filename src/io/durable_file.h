// The one way a file that must last comes into being: written under a temporary name beside its target, synced,
// renamed, and the directory synced. Until Commit returns OK the target name does not show anything new; on any
// failure, and when the object dies uncommitted, the temporary file is removed. A failed fsync is never tried again:
// after it the kernel may have dropped the dirty pages, so the file must be made anew.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/file_system.h"

namespace etcdrill {

// Not thread-safe. `fs` must outlive the object.
class DurableFile {
 public:
  // `temp_path` must lie on the same file system as the later target, and be a name that nobody else uses: a file that
  // is there is an error (kAlreadyExists).
  static Result<DurableFile> Create(FileSystem& fs, const std::string& temp_path, uint32_t mode = kPrivateFileMode);

  DurableFile(DurableFile&& other) noexcept;
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;
  DurableFile& operator=(DurableFile&&) = delete;
  ~DurableFile();

  const std::string& temp_path() const { return temp_path_; }
  Status Append(std::string_view bytes) { return file_->Append(bytes); }
  // Makes the file visible as `target`, in the directory of the temporary file, and durable.
  Status Commit(const std::string& target);

 private:
  DurableFile(FileSystem& fs, std::string temp_path, std::unique_ptr<WritableFile> file)
      : fs_(fs), temp_path_(std::move(temp_path)), file_(std::move(file)) {}

  FileSystem& fs_;
  std::string temp_path_;
  std::unique_ptr<WritableFile> file_;  // null once committed or moved from
};

// Create, Append, Commit in one call, through ".NAME.part" beside `path`.
Status WriteFileDurably(FileSystem& fs, const std::string& path, std::string_view content,
                        uint32_t mode = kPrivateFileMode);

}  // namespace etcdrill
