// Errors are made by the same function as those of the real file system.
#include "support/faulty_file_system.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/check.h"

namespace etcdrill::testing {
namespace {

using Guard = std::lock_guard<std::recursive_mutex>;

std::string BytesOf(const Inode::Content& content, uint64_t offset, uint64_t size) {
  std::string bytes(size, '\0');
  for (uint64_t i = 0; i < size && offset + i < content.bytes.size(); ++i)
    bytes[i] = content.bytes[offset + i];
  return bytes;
}

FileInfo InfoOf(const Inode& inode) {
  return {.kind = inode.is_dir ? FileInfo::Kind::kDirectory : FileInfo::Kind::kFile,
          .size = inode.content.size,
          .modified = inode.modified,
          .changed = inode.changed,
          .device = 1,
          .inode = inode.number,
          .is_ours = true};
}

bool IsWithoutSpace(int error) { return error == ENOSPC || error == EDQUOT; }

// Something goes, most of it stays.
void RemoveHalf(SimulatedDisk& disk, Inode& dir) {
  if (dir.entries.empty()) return;
  const auto& [name, child] = *dir.entries.begin();
  if (child->is_dir && !child->entries.empty()) return RemoveHalf(disk, *child);
  disk.Change(dir, {{name, nullptr}});
}

}  // namespace

std::span<const int> ErrorsOf(Call call) {
  static constexpr int kLooking[] = {EIO, EACCES};
  static constexpr int kReading[] = {EIO};
  static constexpr int kOpening[] = {EIO, EACCES, EMFILE};
  static constexpr int kWriting[] = {EIO, ENOSPC, EDQUOT, EROFS};
  static constexpr int kSyncing[] = {EIO, ENOSPC, EDQUOT};
  static constexpr int kSyncingDir[] = {EIO, EACCES, EMFILE, ENOENT};
  static constexpr int kNaming[] = {EIO, ENOSPC, EDQUOT, EROFS, EACCES, ENOENT};
  static constexpr int kNamingOpen[] = {EIO, ENOSPC, EDQUOT, EROFS, EACCES, ENOENT, EMFILE};
  static constexpr int kRemoving[] = {EIO, EROFS, EACCES, EBUSY};
  switch (call) {
    case Call::kOpen:
    case Call::kList:
      return kOpening;
    case Call::kRead:
      return kReading;
    case Call::kCreate:
    case Call::kLock:
      return kNamingOpen;
    case Call::kWrite:
    case Call::kAllocate:
      return kWriting;
    case Call::kSync:
      return kSyncing;
    case Call::kLook:
      return kLooking;
    case Call::kMakeDirs:
    case Call::kRename:
      return kNaming;
    case Call::kUnlink:
    case Call::kRemoveAll:
      return kRemoving;
    case Call::kSyncDir:
      return kSyncingDir;
  }
  return {};
}

class FaultyFileSystem::Readable final : public ReadableFile {
 public:
  Readable(FaultyFileSystem& fs, std::shared_ptr<Inode> inode, std::string path)
      : fs_(fs), inode_(std::move(inode)), path_(std::move(path)), at_open_(InfoOf(*inode_)) {}

  Status Read(uint64_t offset, std::span<char> out) const override {
    const Guard guard(fs_.mutex_);
    if (const int error = fs_.Begin(Call::kRead)) return ErrorFromErrno(error, "read", path_);
    if (offset + out.size() > inode_->content.size)
      return Error(Reason::kIoError, "read beyond the end of " + path_);
    const std::string bytes = BytesOf(inode_->content, offset, out.size());
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return OkStatus();
  }
  uint64_t Size() const override { return at_open_.size; }
  WallTime Modified() const override { return at_open_.modified; }
  Result<bool> IsUnchanged() const override {
    const Guard guard(fs_.mutex_);
    if (const int error = fs_.Begin(Call::kLook)) return ErrorFromErrno(error, "stat", path_);
    return InfoOf(*inode_).IsSameFile(at_open_);
  }

 private:
  FaultyFileSystem& fs_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  const FileInfo at_open_;
};

class FaultyFileSystem::Writable final : public WritableFile {
 public:
  Writable(FaultyFileSystem& fs, std::shared_ptr<Inode> inode, std::string path)
      : fs_(fs), inode_(std::move(inode)), path_(std::move(path)) {
    inode_->exclusive = 1;
  }
  ~Writable() override { inode_->exclusive = 0; }

  Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(WriteAt(end_, bytes));
    end_ += bytes.size();
    return OkStatus();
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    const Guard guard(fs_.mutex_);
    const int error = fs_.Begin(Call::kWrite);
    if (error != 0 && !IsWithoutSpace(error)) return ErrorFromErrno(error, "write", path_);
    if (error != 0) bytes = bytes.substr(0, bytes.size() / 2);
    Inode::Content& content = inode_->content;
    if (content.bytes.size() < offset + bytes.size()) content.bytes.resize(offset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), content.bytes.begin() + static_cast<ptrdiff_t>(offset));
    content.size = std::max<uint64_t>(content.size, content.bytes.size());
    return error == 0 ? OkStatus() : ErrorFromErrno(error, "write", path_);
  }
  Status AppendFrom(const ReadableFile& source, uint64_t offset, uint64_t size) override {
    std::string bytes(size, '\0');
    RETURN_IF_ERROR(source.Read(offset, bytes));
    return Append(bytes);
  }
  Status Allocate(uint64_t size) override {
    const Guard guard(fs_.mutex_);
    if (const int error = fs_.Begin(Call::kAllocate))
      return ErrorFromErrno(error, "reserve space for", path_);
    inode_->content.size = std::max(inode_->content.size, size);
    return OkStatus();
  }
  Status Sync() override {
    const Guard guard(fs_.mutex_);
    if (const int error = fs_.Begin(Call::kSync)) {
      inode_->sync_failed = true;
      return ErrorFromErrno(error, "fsync", path_);
    }
    if (!inode_->sync_failed) inode_->synced_content = inode_->content;
    return OkStatus();
  }

 private:
  FaultyFileSystem& fs_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  uint64_t end_ = 0;
};

class FaultyFileSystem::Held final : public FileLock {
 public:
  Held(FaultyFileSystem& fs, std::shared_ptr<Inode> inode, LockMode mode)
      : fs_(fs),
        inode_(std::move(inode)),
        count_(mode == LockMode::kShared ? inode_->shared : inode_->exclusive) {
    ++count_;
  }
  ~Held() override { --count_; }

  bool Guards(const std::string& path) const override {
    const Guard guard(fs_.mutex_);
    return fs_.Begin(Call::kLook) == 0 && fs_.disk_.Find(path) == inode_;
  }

 private:
  FaultyFileSystem& fs_;
  const std::shared_ptr<Inode> inode_;
  int& count_;
};

void FaultyFileSystem::Inject(const std::optional<Fault>& fault) {
  const Guard guard(mutex_);
  fault_ = fault;
  calls_.clear();
}

std::vector<Call> FaultyFileSystem::calls() const {
  const Guard guard(mutex_);
  return calls_;
}

int FaultyFileSystem::Begin(Call call) {
  const uint64_t number = calls_.size();
  calls_.push_back(call);
  if (!fault_.has_value()) return 0;
  const auto errors = ErrorsOf(call);
  const bool possible = std::find(errors.begin(), errors.end(), fault_->error) != errors.end();
  const bool now = fault_->lasts ? number >= fault_->call : number == fault_->call;
  return possible && now ? fault_->error : 0;
}

Result<std::shared_ptr<Inode>> FaultyFileSystem::FindDir(const std::string& path) const {
  auto dir = disk_.Find(path);
  if (dir == nullptr) return ErrorFromErrno(ENOENT, "find", path);
  if (!dir->is_dir) return ErrorFromErrno(ENOTDIR, "find", path);
  return dir;
}

Result<std::unique_ptr<ReadableFile>> FaultyFileSystem::OpenForReading(const std::string& path) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kOpen)) return ErrorFromErrno(error, "open", path);
  auto inode = disk_.Find(path);
  if (inode == nullptr) return ErrorFromErrno(ENOENT, "open", path);
  if (inode->is_dir) return Error(Reason::kUsage, "open " + path + ": not a regular file");
  return std::make_unique<Readable>(*this, std::move(inode), path);
}

Result<std::unique_ptr<WritableFile>> FaultyFileSystem::Create(const std::string& path, uint32_t) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kCreate)) return ErrorFromErrno(error, "create", path);
  ASSIGN_OR_RETURN(const auto dir, FindDir(DirName(path)));
  if (disk_.Find(path) != nullptr) return ErrorFromErrno(EEXIST, "create", path);
  auto inode = disk_.NewInode(false);
  disk_.Change(*dir, {{BaseName(path), inode}});
  return std::make_unique<Writable>(*this, std::move(inode), path);
}

Result<std::string> FaultyFileSystem::ReadWhole(const std::string& path, uint64_t limit) {
  ASSIGN_OR_RETURN(const auto file, OpenForReading(path));
  if (file->Size() > limit) return Error(Reason::kUsage, "read " + path + ": too large");
  std::string content(file->Size(), '\0');
  RETURN_IF_ERROR(file->Read(0, content));
  return content;
}

Result<FileInfo> FaultyFileSystem::Stat(const std::string& path) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kLook)) return ErrorFromErrno(error, "stat", path);
  const auto inode = disk_.Find(path);
  if (inode == nullptr) return ErrorFromErrno(ENOENT, "stat", path);
  return InfoOf(*inode);
}

Result<SpaceInfo> FaultyFileSystem::Space(const std::string& path) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kLook)) return ErrorFromErrno(error, "statvfs", path);
  if (disk_.Find(path) == nullptr) return ErrorFromErrno(ENOENT, "statvfs", path);
  return SpaceInfo{uint64_t{1} << 40, uint64_t{1} << 40};
}

Result<std::string> FaultyFileSystem::Resolve(const std::string& path) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kLook)) return ErrorFromErrno(error, "resolve", path);
  return std::filesystem::path(path).lexically_normal().string();
}

Result<std::vector<std::string>> FaultyFileSystem::List(const std::string& dir) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kList)) return ErrorFromErrno(error, "list", dir);
  ASSIGN_OR_RETURN(const auto inode, FindDir(dir));
  std::vector<std::string> names;
  for (const auto& [name, child] : inode->entries) names.push_back(name);
  return names;
}

Status FaultyFileSystem::MakeDirs(const std::string& path, uint32_t mode) {
  const Guard guard(mutex_);
  if (const auto there = disk_.Find(path)) {
    return there->is_dir ? OkStatus() : ErrorFromErrno(EEXIST, "create directory", path);
  }
  RETURN_IF_ERROR(MakeDirs(DirName(path), mode));
  if (const int error = Begin(Call::kMakeDirs))
    return ErrorFromErrno(error, "create directory", path);
  disk_.Change(*disk_.Find(DirName(path)), {{BaseName(path), disk_.NewInode(true)}});
  return OkStatus();
}

Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kRename))
    return ErrorFromErrno(error, "rename " + from + " to", to);
  const auto inode = disk_.Find(from);
  ASSIGN_OR_RETURN(const auto dir, FindDir(DirName(to)));
  if (inode == nullptr) return ErrorFromErrno(ENOENT, "rename " + from + " to", to);
  if (const auto there = disk_.Find(to); there != nullptr && !there->entries.empty()) {
    return ErrorFromErrno(ENOTEMPTY, "rename " + from + " to", to);
  }
  CHECK(DirName(from) == DirName(to));  // nobody does anything else; it would be two changes
  disk_.Change(*dir, {{BaseName(from), nullptr}, {BaseName(to), inode}});
  inode->changed = WallTime(inode->changed + std::chrono::nanoseconds(1));
  return OkStatus();
}

Status FaultyFileSystem::Unlink(const std::string& path) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kUnlink)) return ErrorFromErrno(error, "remove", path);
  const auto inode = disk_.Find(path);
  if (inode == nullptr) return ErrorFromErrno(ENOENT, "remove", path);
  if (inode->is_dir) return ErrorFromErrno(EISDIR, "remove", path);
  disk_.Change(*disk_.Find(DirName(path)), {{BaseName(path), nullptr}});
  return OkStatus();
}

Status FaultyFileSystem::RemoveAll(const std::string& path) {
  const Guard guard(mutex_);
  const int error = Begin(Call::kRemoveAll);
  const auto inode = disk_.Find(path);
  if (inode == nullptr) return OkStatus();
  if (error != 0) {
    RemoveHalf(disk_, *inode);
    return ErrorFromErrno(error, "remove", path);
  }
  while (!inode->entries.empty()) RemoveHalf(disk_, *inode);
  disk_.Change(*disk_.Find(DirName(path)), {{BaseName(path), nullptr}});
  return OkStatus();
}

Status FaultyFileSystem::SyncDir(const std::string& path) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kSyncDir))
    return ErrorFromErrno(error, "fsync directory", path);
  ASSIGN_OR_RETURN(const auto dir, FindDir(path));
  dir->synced_entries = dir->entries;
  dir->changes.clear();
  return OkStatus();
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::Lock(const std::string& path, LockMode mode) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kLock)) return ErrorFromErrno(error, "open lock", path);
  ASSIGN_OR_RETURN(const auto dir, FindDir(DirName(path)));
  if (disk_.Find(path) == nullptr) disk_.Change(*dir, {{BaseName(path), disk_.NewInode(false)}});
  return Hold(disk_.Find(path), path, mode);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::LockExisting(const std::string& path,
                                                                 LockMode mode) {
  const Guard guard(mutex_);
  if (const int error = Begin(Call::kOpen)) return ErrorFromErrno(error, "open", path);
  if (disk_.Find(path) == nullptr) return ErrorFromErrno(ENOENT, "open", path);
  return Hold(disk_.Find(path), path, mode);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::Hold(const std::shared_ptr<Inode>& inode,
                                                         const std::string& path, LockMode mode) {
  const bool busy = inode->exclusive > 0 || (mode == LockMode::kExclusive && inode->shared > 0);
  if (busy) return Error(Reason::kBusy, "lock " + path + ": another etcdrill holds it");
  return std::make_unique<Held>(*this, inode, mode);
}

}  // namespace etcdrill::testing
