// A file system on a simulated disk, of which any call can be made to fail as the real one may.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/file_system.h"
#include "support/simulated_disk.h"

namespace etcdrill::testing {

enum class Call {
  kOpen,
  kRead,
  kCreate,
  kWrite,
  kAllocate,
  kSync,
  kLook,  // Stat, Space, IsUnchanged, Resolve
  kList,
  kMakeDirs,
  kRename,
  kUnlink,
  kRemoveAll,
  kSyncDir,
  kLock,
};

// What the system may answer to such a call about a thing that is there. A Sync that fails loses
// the bytes, a write without space writes half of them, and a RemoveAll stops half-way.
std::span<const int> ErrorsOf(Call call);

struct Fault {
  uint64_t call = 0;  // counted from 0
  int error = 0;
  bool lasts = false;  // all calls from then on that can have this error
};

// Safe for use from any thread. The disk must outlive it.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(SimulatedDisk& disk) : disk_(disk) {}

  // Counts from now on.
  void Inject(const std::optional<Fault>& fault);
  // What was called since.
  std::vector<Call> calls() const;

  Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) override;
  Result<std::string> ReadWhole(const std::string& path, uint64_t limit) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<SpaceInfo> Space(const std::string& path) override;
  Result<std::string> Resolve(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& dir) override;
  Status MakeDirs(const std::string& path, uint32_t mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Unlink(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status SyncDir(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path, LockMode mode) override;
  Result<std::unique_ptr<FileLock>> LockExisting(const std::string& path, LockMode mode) override;

 private:
  class Readable;
  class Writable;
  class Held;

  // Counts the call; the error that it is to have, 0 if none.
  int Begin(Call call);
  Result<std::shared_ptr<Inode>> FindDir(const std::string& path) const;
  Result<std::unique_ptr<FileLock>> Hold(const std::shared_ptr<Inode>& inode,
                                         const std::string& path, LockMode mode);

  SimulatedDisk& disk_;
  mutable std::recursive_mutex mutex_;
  // Guarded by mutex_.
  std::optional<Fault> fault_;
  std::vector<Call> calls_;
};

}  // namespace etcdrill::testing
