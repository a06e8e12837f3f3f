// A file system of one file, which lies in memory: a verify of a damaged copy costs no disk. The
// bytes are borrowed, not copied, so that a test flips a bit in place, verifies, and flips it back.
// It can only be opened for reading.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/file_system.h"

namespace etcdrill::testing {

class MemoryFileSystem final : public FileSystem {
 public:
  void Serve(std::string_view bytes) { bytes_ = bytes; }
  // From the next open on: after this many reads the file ends at `size`, as if another process had
  // cut it. A read beyond fails as that of the real file system does.
  void ShrinkAfter(uint64_t reads, uint64_t size) {
    reads_left_ = reads;
    shrunk_size_ = size;
  }
  uint64_t reads() const { return reads_; }  // since the last open

  Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;

  Result<std::unique_ptr<WritableFile>> Create(const std::string&, uint32_t) override {
    return Refused();
  }
  Result<std::string> ReadWhole(const std::string&, uint64_t) override { return Refused(); }
  Result<FileInfo> Stat(const std::string&) override { return Refused(); }
  Result<SpaceInfo> Space(const std::string&) override { return Refused(); }
  Result<std::string> Resolve(const std::string&) override { return Refused(); }
  Result<std::vector<std::string>> List(const std::string&) override { return Refused(); }
  Status MakeDirs(const std::string&, uint32_t) override { return Refused(); }
  Status Rename(const std::string&, const std::string&) override { return Refused(); }
  Status Unlink(const std::string&) override { return Refused(); }
  Status RemoveAll(const std::string&) override { return Refused(); }
  Status SyncDir(const std::string&) override { return Refused(); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string&, LockMode) override {
    return Refused();
  }
  Result<std::unique_ptr<FileLock>> LockExisting(const std::string&, LockMode) override {
    return Refused();
  }

 private:
  class File;
  static Status Refused() { return Error(Reason::kReadOnly, "this file system can only be read"); }

  std::string_view bytes_;
  std::atomic<uint64_t> reads_ = 0;
  uint64_t reads_left_ = std::numeric_limits<uint64_t>::max();
  uint64_t shrunk_size_ = 0;
};

}  // namespace etcdrill::testing
