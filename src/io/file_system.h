// The only door to the disk. Everything above goes through this interface, so that tests can make
// any operation fail. Paths are plain strings; every error names the operation and the path and has
// the reason of its errno.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_sink.h"
#include "base/clock.h"
#include "base/status.h"

namespace etcdrill {

// A file open for reading. Safe for concurrent Read calls.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Reads exactly out.size() bytes at `offset`; a file that ends before is an error (kIoError):
  // whoever reads has asked Size() before, so the file was cut while it was read.
  virtual Status Read(uint64_t offset, std::span<char> out) const = 0;
  virtual uint64_t Size() const = 0;      // at open
  virtual WallTime Modified() const = 0;  // at open
  // False if somebody wrote to the file since it was opened, as far as its size and time of change
  // tell. The inode's own time is not looked at: a rename of the file, or of another one over its
  // name, moves that, and takes nothing from whoever has the file open.
  virtual Result<bool> IsUnchanged() const = 0;
};

// A file open for writing, not safe for concurrent use. Closed by the destructor, unsynced bytes
// may then be lost.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;
  // Appends the `size` bytes of `source` at `offset`, in the fastest way the file system knows:
  // sharing of blocks, copying inside the kernel, then reading and writing.
  virtual Status AppendFrom(const ReadableFile& source, uint64_t offset, uint64_t size) = 0;
  // Reserves blocks up to `size`; the new bytes read as zero.
  virtual Status Allocate(uint64_t size) = 0;
  virtual Status Sync() = 0;
};

struct FileInfo {
  enum class Kind { kFile, kDirectory, kOther };
  Kind kind;
  uint64_t size;
  WallTime modified;  // anybody can set it: `cp -p`, `rsync -t`
  WallTime changed;   // of bytes, name, links, owner or mode; only the system's clock sets it
  uint64_t device = 0;
  uint64_t inode = 0;
  bool is_symlink = false;  // the rest is about what it leads to
  bool is_ours = false;     // owned by the user that we run as

  // Nobody wrote to it in between, as far as a file system tells, and no other file took its place.
  bool IsSameFile(const FileInfo& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified == other.modified && changed == other.changed;
  }
};

struct SpaceInfo {
  uint64_t available_bytes;  // for a process that is not root
  uint64_t size_bytes;
};

enum class LockMode { kExclusive, kShared };

// Held for as long as the object lives; the kernel drops it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
  // Whether `path` still leads to the file that is locked. If not, others lock another one, and
  // both think that they are alone. False also if that can't be told.
  virtual bool Guards(const std::string& path) const = 0;
};

constexpr uint32_t kPrivateFileMode = 0600;
constexpr uint32_t kPrivateDirMode = 0700;

// Safe for use from any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) = 0;
  // Creates the file, with this very mode; an existing one is an error (kAlreadyExists). As long as
  // it is open it is locked (LockExisting), where the file system can do that: so whoever finds it
  // knows that its writer is alive.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) = 0;
  // The whole file, which may have at most `limit` bytes.
  virtual Result<std::string> ReadWhole(const std::string& path, uint64_t limit) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  virtual Result<SpaceInfo> Space(const std::string& path) = 0;
  // The absolute path without links, "." and ".."; of what does not exist, the names as they are
  // given. kNotFound for a link that leads nowhere, with where it leads: what is written there
  // would go astray.
  virtual Result<std::string> Resolve(const std::string& path) = 0;
  // Names without "." and "..", sorted.
  virtual Result<std::vector<std::string>> List(const std::string& dir) = 0;
  // Parents too; existing ones are fine. After a power loss they may be gone: MakeDirsDurably
  // (durable_file.h).
  virtual Status MakeDirs(const std::string& path, uint32_t mode) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Unlink(const std::string& path) = 0;
  // The tree below `path` and `path` itself; a missing one is fine.
  virtual Status RemoveAll(const std::string& path) = 0;
  virtual Status SyncDir(const std::string& path) = 0;
  // What root makes in `dir` from now on belongs to the owner and group of `dir`; and so `dir`, and
  // what is missing above it, if root makes that, to those of its parent. Where root may not give
  // files away, they stay root's.
  virtual void GiveToOwner(const std::string& /*dir*/) {}
  // Locks a file, which is created if it is missing and never removed. kBusy if another process (or
  // object) holds it in a way that does not go with `mode`.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                                 LockMode mode = LockMode::kExclusive) = 0;
  // The same for a file or directory that is there, and whose name may change while it is locked.
  // Null where the file system can't lock it: some network file systems can't.
  virtual Result<std::unique_ptr<FileLock>> LockExisting(const std::string& path,
                                                         LockMode mode = LockMode::kExclusive) = 0;

  // False only if nothing is there; what can't be looked at is an error.
  Result<bool> IsThere(const std::string& path) {
    const Status status = Stat(path).status();
    if (status.ok()) return true;
    if (ReasonOf(status) == Reason::kNotFound) return false;
    return status;
  }
  // For hints only, where nothing is lost by a wrong answer: false also for what can't be looked
  // at.
  bool Exists(const std::string& path) { return Stat(path).ok(); }
};

std::unique_ptr<FileSystem> MakePosixFileSystem();

// Asks the kernel to read the file from the disk when it is read next: its copy in memory hides
// what has become of the file there. What others have mapped, or have not written out yet, stays;
// there is nothing to be done about a failure.
void ForgetCachedPages(const std::string& path);

// Hands the bytes from `begin` to `end` to `sink`, piece by piece; its errors end the reading.
Status ReadPieces(const ReadableFile& file, uint64_t begin, uint64_t end, const ByteSink& sink);

std::string JoinPath(std::string_view dir, std::string_view name);
std::string DirName(std::string_view path);  // "." if there is no slash
std::string BaseName(std::string_view path);

}  // namespace etcdrill
