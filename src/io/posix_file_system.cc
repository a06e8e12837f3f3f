// The real file system. EINTR is retried everywhere; short reads and writes go on where they
// stopped.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

#include "io/fd.h"
#include "io/file_system.h"

namespace etcdrill {
namespace {

constexpr size_t kCopyChunkBytes = size_t{1} << 20;
constexpr size_t kPieceBytes = size_t{256} << 10;
constexpr int kLockTries = 5;

// What `path` lies in has bytes left, but can't take one more file.
bool IsOutOfInodes(const std::string& path) {
  struct statvfs st {};
  return ::statvfs(DirName(path).c_str(), &st) == 0 && st.f_files > 0 && st.f_favail == 0 &&
         st.f_bavail > 0;
}

// Of a call that makes a name.
Status ErrorOfNewName(int error, std::string_view operation, const std::string& path) {
  if (error != ENOSPC || !IsOutOfInodes(path)) return ErrorFromErrno(error, operation, path);
  return Error(Reason::kNoSpace,
               "{} {}: the file system has free bytes, but no inodes left (`df -i`). Remove files "
               "or use another directory",
               operation, path);
}

Result<Fd> Open(const std::string& path, int flags, uint32_t mode, std::string_view operation) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return ErrorOfNewName(errno, operation, path);
  return Fd(fd);
}

WallTime TimeOf(const timespec& time) { return WallTimeOf(time.tv_sec, time.tv_nsec); }

FileInfo InfoOf(const struct stat& st) {
  FileInfo info{.kind = FileInfo::Kind::kOther,
                .size = static_cast<uint64_t>(st.st_size),
                .modified = TimeOf(st.st_mtim),
                .changed = TimeOf(st.st_ctim),
                .device = st.st_dev,
                .inode = st.st_ino};
  info.is_ours = st.st_uid == ::geteuid();
  if (S_ISREG(st.st_mode)) info.kind = FileInfo::Kind::kFile;
  if (S_ISDIR(st.st_mode)) info.kind = FileInfo::Kind::kDirectory;
  return info;
}

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(Fd fd, std::string path, const struct stat& at_open)
      : fd_(std::move(fd)), path_(std::move(path)), at_open_(InfoOf(at_open)) {}

  Status Read(uint64_t offset, std::span<char> out) const override {
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrorFromErrno(errno, "read", path_);
      if (n == 0) {
        return Error(Reason::kIoError,
                     "read {}: the file ends at byte {}, but had {} bytes when etcdrill opened it: "
                     "another process truncates the file",
                     path_, offset, at_open_.size);
      }
      out = out.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return OkStatus();
  }

  uint64_t Size() const override { return at_open_.size; }
  WallTime Modified() const override { return at_open_.modified; }

  Result<bool> IsUnchanged() const override {
    struct stat now {};
    if (::fstat(fd_.get(), &now) != 0) return ErrorFromErrno(errno, "stat", path_);
    const FileInfo info = InfoOf(now);
    return info.size == at_open_.size && info.modified == at_open_.modified;
  }

  int fd() const { return fd_.get(); }

 private:
  const Fd fd_;
  const std::string path_;
  const FileInfo at_open_;
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(WriteAt(end_, bytes));
    end_ += bytes.size();
    return OkStatus();
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrorFromErrno(errno, "write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return OkStatus();
  }

  Status AppendFrom(const ReadableFile& source, uint64_t offset, uint64_t size) override {
    if (size == 0) return OkStatus();  // to a clone, no bytes are all bytes
    uint64_t copied = 0;
    if (const auto* file = dynamic_cast<const PosixReadableFile*>(&source)) {
      copied = CopyInKernel(file->fd(), offset, size);
    }
    // What the kernel would not copy (another file system, an old kernel, a source in memory) goes
    // through a buffer.
    std::string buffer(std::min<uint64_t>(kCopyChunkBytes, size - copied), '\0');
    while (copied < size) {
      const auto chunk = std::span(buffer).first(std::min<uint64_t>(buffer.size(), size - copied));
      RETURN_IF_ERROR(source.Read(offset + copied, chunk));
      RETURN_IF_ERROR(WriteAt(end_ + copied, {chunk.data(), chunk.size()}));
      copied += chunk.size();
    }
    end_ += size;
    return OkStatus();
  }

  Status Allocate(uint64_t size) override {
    // Not posix_fallocate: that writes zeros where the file system can't reserve, and is slow
    // there.
    if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) == 0) return OkStatus();
    if (errno != EOPNOTSUPP) return ErrorFromErrno(errno, "reserve space for", path_);
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
      return ErrorFromErrno(errno, "extend", path_);
    return OkStatus();
  }

  Status Sync() override {
    if (::fsync(fd_.get()) != 0) return ErrorFromErrno(errno, "fsync", path_);
    return OkStatus();
  }

 private:
  // Returns how many bytes were copied; stops at the first refusal.
  uint64_t CopyInKernel(int source_fd, uint64_t offset, uint64_t size) {
    file_clone_range range{};
    range.src_fd = source_fd;
    range.src_offset = offset;
    range.src_length = size;
    range.dest_offset = end_;
    if (::ioctl(fd_.get(), FICLONERANGE, &range) == 0) return size;
    auto from = static_cast<off_t>(offset);
    auto to = static_cast<off_t>(end_);
    uint64_t copied = 0;
    while (copied < size) {
      const ssize_t n = ::copy_file_range(source_fd, &from, fd_.get(), &to, size - copied, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      copied += static_cast<uint64_t>(n);
    }
    return copied;
  }

  const Fd fd_;
  const std::string path_;
  uint64_t end_ = 0;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Fd fd) : fd_(std::move(fd)) {}

  bool Guards(const std::string& path) const override {
    struct stat held {};
    struct stat named {};
    return ::fstat(fd_.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
  }

 private:
  const Fd fd_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override {
    // O_NONBLOCK: opening a fifo must not hang; it is refused below.
    ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDONLY | O_NONBLOCK, 0, "open"));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return ErrorFromErrno(errno, "stat", path);
    if (!S_ISREG(st.st_mode)) return Error(Reason::kUsage, "open {}: not a regular file", path);
    return std::make_unique<PosixReadableFile>(std::move(fd), path, st);
  }

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) override {
    ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDWR | O_CREAT | O_EXCL, mode, "create"));
    // open() takes the bits of the umask off, and whoever asks for a file that others may read
    // means it.
    if (fchmod(fd.get(), mode) != 0) return ErrorFromErrno(errno, "chmod", path);
    (void)::flock(fd.get(), LOCK_EX | LOCK_NB);
    Give(fd, path);
    return std::make_unique<PosixWritableFile>(std::move(fd), path);
  }

  Result<std::string> ReadWhole(const std::string& path, uint64_t limit) override {
    ASSIGN_OR_RETURN(const auto file, OpenForReading(path));
    if (file->Size() > limit) {
      return Error(Reason::kUsage, "read {}: {} bytes, at most {} are allowed", path, file->Size(),
                   limit);
    }
    std::string content(file->Size(), '\0');
    RETURN_IF_ERROR(file->Read(0, content));
    return content;
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) return ErrorFromErrno(errno, "stat", path);
    const bool is_symlink = S_ISLNK(st.st_mode);
    if (is_symlink && ::stat(path.c_str(), &st) != 0) return ErrorFromErrno(errno, "stat", path);
    FileInfo info = InfoOf(st);
    info.is_symlink = is_symlink;
    return info;
  }

  Result<SpaceInfo> Space(const std::string& path) override {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0) return ErrorFromErrno(errno, "statvfs", path);
    return SpaceInfo{st.f_bavail * st.f_frsize, st.f_blocks * st.f_frsize};
  }

  Result<std::string> Resolve(const std::string& path) override {
    std::error_code error;
    std::filesystem::path resolved = std::filesystem::absolute(path, error);
    if (!error) resolved = std::filesystem::weakly_canonical(resolved, error);
    if (error) return ErrorFromErrno(error.value(), "resolve", path);
    // To it, a link that leads nowhere is a name that does not exist: the first of those.
    std::filesystem::path part;
    for (const std::filesystem::path& name : resolved) {
      part /= name;
      const auto type = std::filesystem::symlink_status(part, error).type();
      if (type == std::filesystem::file_type::not_found) break;
      if (error) return ErrorFromErrno(error.value(), "resolve", path);
      if (type != std::filesystem::file_type::symlink) continue;
      const std::string target = std::filesystem::read_symlink(part, error).string();
      return Error(Reason::kNotFound,
                   "{} is a link to {}, which does not exist. Check that its disk is mounted",
                   part.string(), target);
    }
    std::string text = resolved.string();
    if (text.size() > 1 && text.back() == '/') text.pop_back();
    return text;
  }

  Result<std::vector<std::string>> List(const std::string& dir) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(dir.c_str()), ::closedir);
    if (handle == nullptr) return ErrorFromErrno(errno, "list", dir);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(handle.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return ErrorFromErrno(errno, "list", dir);
    std::ranges::sort(names);
    return names;
  }

  Status MakeDirs(const std::string& path, uint32_t mode) override {
    int made = ::mkdir(path.c_str(), mode);
    if (made != 0 && errno == ENOENT && DirName(path) != path) {
      RETURN_IF_ERROR(MakeDirs(DirName(path), mode));
      made = ::mkdir(path.c_str(), mode);
    }
    const int error = errno;
    if (made == 0) {
      const auto dir = Open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "open directory");
      if (dir.ok()) Give(*dir, path);
      return OkStatus();
    }
    if (error == EEXIST) {
      const Result<FileInfo> info = Stat(path);
      if (info.ok() && info->kind == FileInfo::Kind::kDirectory) return OkStatus();
      if (!info.ok()) RETURN_IF_ERROR(Resolve(path).status());  // a link that leads nowhere
    }
    return ErrorOfNewName(error, "create directory", path);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return ErrorFromErrno(errno, "rename " + from + " to", to);
    return OkStatus();
  }

  Status Unlink(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return ErrorFromErrno(errno, "remove", path);
    return OkStatus();
  }

  Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);  // does not follow symlinks
    if (error) return ErrorFromErrno(error.value(), "remove", path);
    return OkStatus();
  }

  Status SyncDir(const std::string& path) override {
    ASSIGN_OR_RETURN(const Fd fd, Open(path, O_RDONLY | O_DIRECTORY, 0, "open directory"));
    if (::fsync(fd.get()) != 0) return ErrorFromErrno(errno, "fsync directory", path);
    return OkStatus();
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path, LockMode mode) override {
    // Another file may take the name in between; not again and again.
    for (int tries = 0; tries < kLockTries; ++tries) {
      ASSIGN_OR_RETURN(Fd fd,
                       Open(path, O_RDWR | O_CREAT | O_NOFOLLOW, kPrivateFileMode, "open lock"));
      if (::flock(fd.get(), FlagsOf(mode)) != 0) return LockError(errno, path);
      if (IsMereLock(fd)) Give(fd, path);
      auto lock = std::make_unique<PosixFileLock>(std::move(fd));
      if (lock->Guards(path)) return lock;
    }
    return LockError(EWOULDBLOCK, path);
  }

  void GiveToOwner(const std::string& dir) override {
    const std::lock_guard lock(mutex_);
    given_.push_back(dir.ends_with('/') ? DirName(dir) : dir);
    const auto is_missing = [](const std::string& path) {
      return ::access(path.c_str(), F_OK) != 0 && errno == ENOENT;
    };
    std::string above = DirName(given_.back());
    for (; above != DirName(above) && is_missing(above); above = DirName(above))
      on_the_way_.insert(above);
  }

  Result<std::unique_ptr<FileLock>> LockExisting(const std::string& path, LockMode mode) override {
    ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, "open"));
    if (::flock(fd.get(), FlagsOf(mode)) == 0)
      return std::make_unique<PosixFileLock>(std::move(fd));
    // EBADF: NFS wants an exclusive lock to be of a file that is open for writing.
    constexpr int kCantLock[] = {EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP};
    if (std::find(std::begin(kCantLock), std::end(kCantLock), errno) != std::end(kCantLock))
      return nullptr;
    return LockError(errno, path);
  }

 private:
  // The directory whose owner gets what is made as `path`; empty if we keep it.
  std::string GivenLike(const std::string& path) {
    if (::geteuid() != 0) return "";
    const std::lock_guard lock(mutex_);
    for (const std::string& dir : given_) {
      if (path == dir || on_the_way_.contains(path)) return DirName(path);
      if (path.starts_with(JoinPath(dir, ""))) return dir;
    }
    return "";
  }

  void Give(const Fd& made, const std::string& path) {
    const std::string like = GivenLike(path);
    struct stat st {};
    if (like.empty() || ::stat(like.c_str(), &st) != 0) return;
    // Root without the right to do so, in a container or on NFS, keeps it.
    if (::fchown(made.get(), st.st_uid, st.st_gid) != 0) return;
  }

  // Ours and empty, in no other place: what is in a file of ours is nobody else's.
  static bool IsMereLock(const Fd& fd) {
    struct stat st {};
    return ::fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == ::geteuid() &&
           st.st_size == 0 && st.st_nlink == 1;
  }

  static int FlagsOf(LockMode mode) {
    return (mode == LockMode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  }

  static Status LockError(int error, const std::string& path) {
    if (error != EWOULDBLOCK) return ErrorFromErrno(error, "lock", path);
    return Error(
        Reason::kBusy,
        "lock {}: another etcdrill holds the lock. Stop that process, or use another directory",
        path);
  }

  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::string> given_;
  std::set<std::string> on_the_way_;  // directories that were missing above those
};

}  // namespace

std::unique_ptr<FileSystem> MakePosixFileSystem() { return std::make_unique<PosixFileSystem>(); }

void ForgetCachedPages(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd) (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
}

Status ReadPieces(const ReadableFile& file, uint64_t begin, uint64_t end, const ByteSink& sink) {
  std::string piece;
  for (; begin < end; begin += piece.size()) {
    piece.resize(std::min<uint64_t>(kPieceBytes, end - begin));
    RETURN_IF_ERROR(file.Read(begin, piece));
    RETURN_IF_ERROR(sink(piece));
  }
  return OkStatus();
}

std::string JoinPath(std::string_view dir, std::string_view name) {
  if (dir.empty() || dir.back() == '/') return fmt::format("{}{}", dir, name);
  return fmt::format("{}/{}", dir, name);
}

std::string DirName(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

std::string BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace etcdrill
