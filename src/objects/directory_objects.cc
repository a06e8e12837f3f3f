// Which metadata counts is decided by the rename that makes the bytes visible: it lies beside the
// object, under a name that holds the etag, and is there before.
#include "objects/directory_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "io/durable_file.h"
#include "objects/names.h"

namespace etcdrill::objects {
namespace {

constexpr uint64_t kMetadataBytesMax = uint64_t{64} << 10;
constexpr std::string_view kStagedSuffix = ".part";
constexpr std::string_view kMetadataSuffix = ".meta";

using Metadata = std::map<std::string, std::string>;

std::string EtagOf(const FileInfo& info) {
  return fmt::format("{:x}-{:x}", info.size, info.modified.time_since_epoch().count());
}

// Beside the object's file.
std::string StagedPath(const std::string& path, uint64_t random) {
  return JoinPath(DirName(path),
                  fmt::format(".{}.{:016x}{}", BaseName(path), random, kStagedSuffix));
}
std::string MetadataPath(const std::string& path, const std::string& etag) {
  return JoinPath(DirName(path), fmt::format(".{}.{}{}", BaseName(path), etag, kMetadataSuffix));
}

bool ConsumeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// What such a name says.
struct Hidden {
  std::string_view object;  // the last part of its name
  std::string_view etag;    // of metadata; empty for what is being written
};

// None if the name is not one of ours.
std::optional<Hidden> HiddenOf(std::string_view name) {
  if (!name.starts_with('.')) return std::nullopt;
  name.remove_prefix(1);
  const bool staged = ConsumeSuffix(name, kStagedSuffix);
  const bool of_metadata =
      (staged ? name.starts_with('.') : true) && ConsumeSuffix(name, kMetadataSuffix);
  if (!staged && !of_metadata) return std::nullopt;
  if (staged && of_metadata) name.remove_prefix(1);  // WriteFileDurably's name for it
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || !IsNamePart(name.substr(0, dot))) return std::nullopt;
  const std::string_view mark = name.substr(dot + 1);
  if (mark.find_first_not_of("0123456789abcdef-") != std::string_view::npos) return std::nullopt;
  return Hidden{.object = name.substr(0, dot), .etag = staged ? std::string_view() : mark};
}

// Empty if there is none, or none that can be read: then nothing is known of it, and the bytes are
// no worse for that.
Metadata ReadMetadata(FileSystem& fs, const std::string& path) {
  Metadata metadata;
  const auto text = fs.ReadWhole(path, kMetadataBytesMax);
  if (!text.ok()) return metadata;
  const Json json = ParseJson(*text);
  if (!json.is_object()) return metadata;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string()) metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

ObjectInfo InfoOf(const std::string& name, const FileInfo& file) {
  return {.name = name, .size = file.size, .modified = file.modified, .etag = EtagOf(file)};
}

class DirectoryWriter final : public ObjectWriter {
 public:
  DirectoryWriter(FileSystem& fs, std::string name, std::string path, PutOptions options,
                  DurableFile file)
      : fs_(fs),
        name_(std::move(name)),
        path_(std::move(path)),
        options_(std::move(options)),
        file_(std::move(file)) {}

  Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(failed_);
    failed_ = bytes.size() > options_.size_max - size_
                  ? Error(Reason::kUsage, "write {}: more than the {} bytes that were to come",
                          path_, options_.size_max)
                  : file_.Append(bytes);
    if (failed_.ok()) size_ += bytes.size();
    return failed_;
  }

  Result<ObjectInfo> Finish() override {
    RETURN_IF_ERROR(failed_);
    RETURN_IF_ERROR(file_.Sync());  // before Stat: some network file systems set the time then
    ASSIGN_OR_RETURN(const FileInfo staged, fs_.Stat(file_.temp_path()));
    const std::string etag = EtagOf(staged);
    if (const Status shown = Show(etag); !shown.ok()) {
      ForgetMetadata(etag);
      return shown;
    }
    ASSIGN_OR_RETURN(const FileInfo file, fs_.Stat(path_));
    ObjectInfo info = InfoOf(name_, file);
    // Some servers set a file's time once more when it is closed (Samba: "write time update").
    if (info.etag != etag) RETURN_IF_ERROR(WriteMetadata(info.etag));
    info.metadata = options_.metadata;
    return info;
  }

 private:
  Status Show(const std::string& etag) {
    RETURN_IF_ERROR(WriteMetadata(etag));
    return file_.Replace(path_);
  }
  Status WriteMetadata(const std::string& etag) {
    if (options_.metadata.empty()) return OkStatus();
    return WriteFileDurably(fs_, MetadataPath(path_, etag), Dump(Json(options_.metadata)) + "\n");
  }
  // Unless the object has become visible all the same.
  void ForgetMetadata(const std::string& etag) {
    const auto file = fs_.Stat(path_);
    if (file.ok() && EtagOf(*file) == etag) return;
    fs_.Unlink(MetadataPath(path_, etag)).IgnoreError();
  }

  FileSystem& fs_;
  const std::string name_;
  const std::string path_;
  const PutOptions options_;
  DurableFile file_;
  uint64_t size_ = 0;
  Status failed_;
};

class DirectoryObjects final : public ObjectStore {
 public:
  DirectoryObjects(const Context& context, std::string root)
      : context_(context), fs_(context.fs), root_(std::move(root)) {
    fs_.GiveToOwner(root_);  // a command of root must not shut out a sidecar that is not
  }

  Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                               const PutOptions& options) override;
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override;
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override;
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override {
    return ListFolder("", prefix, after, visit);
  }
  Status Delete(const std::string& name, const std::string& version_id) override;
  Status SetLock(const std::string&, const std::string&, const Lock&) override {
    return HasNo("locks");
  }
  Status ListVersions(const std::string&, const VisitVersion&) override {
    return HasNo("versions");
  }
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override {
    size_t removed = 0;
    RETURN_IF_ERROR(SweepFolder("", prefix, before, removed));
    return removed;
  }
  Properties properties() const override { return {}; }
  const std::string& address() const [[clang::lifetimebound]] override { return root_; }

 private:
  // A folder's name ends with a slash; that of the root is empty.
  struct Entry {
    std::string name;
    FileInfo info;
  };

  std::string PathOf(const std::string& name) const { return JoinPath(root_, name); }
  Status HasNo(std::string_view what) const {
    return Error(Reason::kUsage, "{}: a directory has no {}", root_, what);
  }
  Status CheckRoot() const;
  Result<FileInfo> Find(const std::string& name) const;
  template <typename IsWanted>
  Result<std::vector<Entry>> EntriesOf(const std::string& folder, const IsWanted& is_wanted) const;
  Status ListFolder(const std::string& folder, const std::string& prefix, const std::string& after,
                    const Visit& visit) const;
  Status SweepFolder(const std::string& folder, const std::string& prefix, WallTime before,
                     size_t& removed) const;
  Result<bool> RemoveIfLeft(const Entry& entry) const;

  const Context& context_;
  FileSystem& fs_;
  const std::string root_;
};

Status DirectoryObjects::CheckRoot() const {
  const auto root = fs_.Stat(root_);
  if (root.ok() && root->kind == FileInfo::Kind::kDirectory) return OkStatus();
  if (!root.ok() && !Is(root, Reason::kNotFound)) return root.status();
  return Error(Reason::kBucketMissing,
               "the site's directory {} does not exist; is a disk not mounted? If not, make it",
               root_);
}

Result<FileInfo> DirectoryObjects::Find(const std::string& name) const {
  RETURN_IF_ERROR(CheckName(name));
  const auto info = fs_.Stat(PathOf(name));
  if (info.ok() && info->kind == FileInfo::Kind::kFile && !info->is_symlink) return info;
  if (!info.ok() && !Is(info, Reason::kNotFound)) return info;
  RETURN_IF_ERROR(CheckRoot());
  return Error(Reason::kNotFound, "{} has no object {}", root_, name);
}

Result<std::unique_ptr<ObjectWriter>> DirectoryObjects::Create(const std::string& name,
                                                               const PutOptions& options) {
  RETURN_IF_ERROR(CheckPut(name, options));
  if (options.lock.has_value()) return HasNo("locks");
  RETURN_IF_ERROR(CheckRoot());
  std::string path = PathOf(name);
  RETURN_IF_ERROR(MakeDirsDurably(fs_, DirName(path)));
  ASSIGN_OR_RETURN(DurableFile file,
                   DurableFile::Create(fs_, StagedPath(path, context_.random.Next())));
  return std::make_unique<DirectoryWriter>(fs_, name, std::move(path), options, std::move(file));
}

Status DirectoryObjects::Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
                             const std::string& version_id) {
  if (!version_id.empty()) return HasNo("versions");
  RETURN_IF_ERROR(Find(name).status());
  ASSIGN_OR_RETURN(const auto file, fs_.OpenForReading(PathOf(name)));
  const uint64_t size = file->Size();
  const uint64_t left = size - std::min(size, range.offset);
  if (range.offset > size || range.size.value_or(0) > left) {
    return Error(Reason::kUsage, "read {}: the range from byte {} ends behind its {} bytes",
                 PathOf(name), range.offset, size);
  }
  RETURN_IF_ERROR(ReadPieces(*file, range.offset, range.offset + range.size.value_or(left), sink));
  ASSIGN_OR_RETURN(const bool unchanged, file->IsUnchanged());
  if (unchanged) return OkStatus();
  return Error(Reason::kIoError, "read {}: something else writes to it right now", PathOf(name));
}

Result<ObjectInfo> DirectoryObjects::Head(const std::string& name, const std::string& version_id) {
  if (!version_id.empty()) return HasNo("versions");
  ASSIGN_OR_RETURN(const FileInfo file, Find(name));
  ObjectInfo info = InfoOf(name, file);
  info.metadata = ReadMetadata(fs_, MetadataPath(PathOf(name), info.etag));
  return info;
}

Status DirectoryObjects::Delete(const std::string& name, const std::string& version_id) {
  if (!version_id.empty()) return HasNo("versions");
  const auto file = Find(name);
  const bool gone = Is(file, Reason::kNotFound);
  if (!file.ok() && !gone) return file.status();
  const std::string path = PathOf(name);
  if (!gone) {
    const Status removed = fs_.Unlink(path);
    if (!removed.ok() && !Is(removed, Reason::kNotFound)) return removed;
  }
  // Also if it was gone: whoever removed it may not have come as far. Then even its folder may be.
  const Status synced = fs_.SyncDir(DirName(path));
  if (!synced.ok() && !(gone && Is(synced, Reason::kNotFound))) return synced;
  if (!gone) fs_.Unlink(MetadataPath(path, EtagOf(*file))).IgnoreError();
  return OkStatus();
}

// Those whose name is wanted, which is asked before the file system is: as an object and as a
// folder. In the order of the names of all objects in them.
template <typename IsWanted>
Result<std::vector<DirectoryObjects::Entry>> DirectoryObjects::EntriesOf(
    const std::string& folder, const IsWanted& is_wanted) const {
  std::vector<Entry> entries;
  const auto names = fs_.List(PathOf(folder));
  if (Is(names, Reason::kNotFound)) {
    RETURN_IF_ERROR(CheckRoot());
    return entries;
  }
  RETURN_IF_ERROR(names.status());
  for (const std::string& base : *names) {
    std::string name = folder + base;
    if (!is_wanted(base, name)) continue;
    const auto info = fs_.Stat(PathOf(name));
    if (Is(info, Reason::kNotFound)) continue;  // gone meanwhile
    RETURN_IF_ERROR(info.status());
    if (info->is_symlink || info->kind == FileInfo::Kind::kOther) continue;
    if (info->kind == FileInfo::Kind::kDirectory) name += '/';
    entries.push_back({std::move(name), *info});
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Status DirectoryObjects::ListFolder(const std::string& folder, const std::string& prefix,
                                    const std::string& after, const Visit& visit) const {
  const auto is_listed = [&](const std::string& name) {
    return name.starts_with(prefix) && name > after;
  };
  const auto may_hold_some = [&](const std::string& inner) {
    return (inner.starts_with(prefix) || prefix.starts_with(inner)) &&
           (inner > after || after.starts_with(inner));
  };
  ASSIGN_OR_RETURN(const auto entries,
                   EntriesOf(folder, [&](const std::string& base, const std::string& name) {
                     return IsNamePart(base) && name.size() <= kNameBytesMax &&
                            (is_listed(name) || may_hold_some(name + '/'));
                   }));
  for (const Entry& entry : entries) {
    if (entry.info.kind == FileInfo::Kind::kFile) {
      if (is_listed(entry.name)) RETURN_IF_ERROR(visit(InfoOf(entry.name, entry.info)));
    } else if (may_hold_some(entry.name)) {
      RETURN_IF_ERROR(ListFolder(entry.name, prefix, after, visit));
    }
  }
  return OkStatus();
}

// What can't be removed does not keep the rest: its error comes in the end.
Status DirectoryObjects::SweepFolder(const std::string& folder, const std::string& prefix,
                                     WallTime before, size_t& removed) const {
  ASSIGN_OR_RETURN(const auto entries,
                   EntriesOf(folder, [&](const std::string& base, const std::string& name) {
                     if (const auto hidden = HiddenOf(base))
                       return (folder + std::string(hidden->object)).starts_with(prefix);
                     return IsNamePart(base) && name.size() <= kNameBytesMax;
                   }));
  Status problem;
  for (const Entry& entry : entries) {
    Status status;
    if (entry.info.kind == FileInfo::Kind::kDirectory) {
      if (entry.name.starts_with(prefix) || prefix.starts_with(entry.name))
        status = SweepFolder(entry.name, prefix, before, removed);
    } else if (entry.info.modified < before) {
      const auto done = RemoveIfLeft(entry);
      status = done.status();
      if (done.ok() && *done) ++removed;
    }
    if (problem.ok()) problem = status;
  }
  return problem;
}

Result<bool> DirectoryObjects::RemoveIfLeft(const Entry& entry) const {
  const std::string path = PathOf(entry.name);
  const std::string base = BaseName(path);
  const auto hidden = HiddenOf(base);     // views of `base`
  if (!hidden.has_value()) return false;  // an object
  if (hidden->etag.empty()) {
    const auto lock = fs_.LockExisting(path);
    if (Is(lock, Reason::kBusy)) return false;  // its writer is alive
  } else {
    const auto object = fs_.Stat(JoinPath(DirName(path), hidden->object));
    if (object.ok() && EtagOf(*object) == hidden->etag) return false;
    if (!object.ok() && !Is(object, Reason::kNotFound)) return object.status();
  }
  const Status status = fs_.Unlink(path);
  if (Is(status, Reason::kNotFound)) return false;
  RETURN_IF_ERROR(status);
  return true;
}

}  // namespace

std::unique_ptr<ObjectStore> MakeDirectoryObjects(const Context& context, std::string root) {
  return std::make_unique<DirectoryObjects>(context, std::move(root));
}

}  // namespace etcdrill::objects
