#include "objects/rclone_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/text.h"
#include "io/scratch_dir.h"
#include "objects/names.h"
#include "objects/timestamp.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

constexpr int kDirectoryMissing = 3;
constexpr int kFileMissing = 4;
constexpr Duration kSilence = 5min;
// An upload prints nothing, so its whole time is limited, by a rate that any line has.
constexpr uint64_t kBytesPerSecondMin = 64 * 1024;
constexpr size_t kLineMax = 64 * 1024;
// How rclone names what is not whole yet.
constexpr const char* kPartials = "*.????????.partial";
// What it says of a filter for a path that is a file, and no folder.
constexpr std::string_view kIsFile = "imit to single files when using filters";
// Ours among what providers and rclone itself keep as metadata. Letters only: Azure takes no
// hyphen, some proxies no underscore.
constexpr std::string_view kMetadataPrefix = "etcdrill";

Status NoVersions(const std::string& name) {
  return Error(Reason::kUsage, "{}: an rclone remote has no versions", name);
}
Status NoLocks(const std::string& name) {
  return Error(Reason::kUsage, "{}: an rclone remote can't lock; leave `lock` out for this site",
               name);
}

std::string FolderOf(std::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? "" : name.substr(0, slash));
}

Status Strange(std::string_view line) {
  return Error(Reason::kIoError, "rclone lsjson: not the listing of a folder: \"{}\"",
               Shown(line.substr(0, 80)));
}

// One line of a listing: {"Path":"a/b","Size":6,"ModTime":"2026-11-27T21:12:00.868479043Z",...},
Result<ObjectInfo> ParseItem(std::string_view line) {
  const Json json = ParseJson(line);
  if (!json.is_object()) return Strange(line);
  ObjectInfo info;
  std::string modified;
  int64_t size = -1;  // where the provider does not know
  JsonReader reader(json);
  reader.Read("Path", info.name);
  reader.Read("Size", size);
  reader.Read("ModTime", modified);
  const auto time = ParseTimestamp(modified);
  if (!reader.status().ok() || !time.has_value() || size < 0) return Strange(line);
  info.size = static_cast<uint64_t>(size);
  info.modified = *time;
  info.etag = fmt::format("{:x}-{:x}", info.size, time->time_since_epoch().count());
  const auto metadata = json.find("Metadata");
  if (metadata == json.end() || !metadata->is_object()) return info;
  for (const auto& [name, value] : metadata->items()) {
    if (name.starts_with(kMetadataPrefix) && value.is_string())
      info.metadata.emplace(name.substr(kMetadataPrefix.size()), value.get<std::string>());
  }
  return info;
}

// Cuts what rclone prints into the lines of a JSON list, one item each.
class ItemReader {
 public:
  explicit ItemReader(const ObjectStore::Visit& visit) : visit_(visit) {}

  Status Take(std::string_view piece) {
    rest_.append(piece);
    size_t begin = 0;
    for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      RETURN_IF_ERROR(TakeLine(std::string_view(rest_).substr(begin, end - begin)));
    rest_.erase(0, begin);
    return rest_.size() > kLineMax ? Strange(rest_) : OkStatus();
  }
  Status End() const { return is_whole_ ? OkStatus() : Strange("it has no end"); }

 private:
  Status TakeLine(std::string_view line) {
    line = Trim(line);
    if (line.ends_with(',')) line.remove_suffix(1);
    if (line == "]" || line == "[]") is_whole_ = true;
    if (line.empty() || line == "[" || line == "]" || line == "[]") return OkStatus();
    ASSIGN_OR_RETURN(const ObjectInfo info, ParseItem(line));
    return visit_(info);
  }

  const ObjectStore::Visit& visit_;
  std::string rest_;
  bool is_whole_ = false;
};

// Lets no more bytes through than were asked for.
class Counter {
 public:
  Counter(uint64_t size, const ByteSink& sink) : left_(size), sink_(sink) {}

  Status Take(std::string_view piece) {
    if (piece.size() > left_)
      return Error(Reason::kIoError, "rclone cat printed more bytes than were asked for");
    left_ -= piece.size();
    return sink_(piece);
  }
  uint64_t left() const { return left_; }

 private:
  uint64_t left_;
  const ByteSink& sink_;
};

}  // namespace

// Writes to a spool file; the upload is one call at the end.
class RcloneObjects::Writer final : public ObjectWriter {
 public:
  Writer(const RcloneObjects& store, std::string name, PutOptions options,
         std::unique_ptr<ScratchDir> dir, std::unique_ptr<WritableFile> spool)
      : store_(store),
        name_(std::move(name)),
        options_(std::move(options)),
        dir_(std::move(dir)),
        spool_(std::move(spool)) {}

  static std::string SpoolIn(const ScratchDir& dir) { return JoinPath(dir.path(), "object"); }

  Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(problem_);
    problem_ = Keep(bytes);
    return problem_;
  }

  Result<ObjectInfo> Finish() override {
    RETURN_IF_ERROR(problem_);
    CHECK(spool_ != nullptr);
    spool_.reset();
    RETURN_IF_ERROR(store_.Upload(SpoolIn(*dir_), name_, options_, size_));
    ASSIGN_OR_RETURN(ObjectInfo info, store_.Find(name_));
    if (info.size == size_) return info;
    return Error(Reason::kIoError, "{}: {} bytes were uploaded, and {} are there",
                 store_.PathOf(name_), size_, info.size);
  }

 private:
  Status Keep(std::string_view bytes) {
    CHECK(spool_ != nullptr);
    size_ += bytes.size();
    if (size_ <= options_.size_max) return spool_->Append(bytes);
    return Error(Reason::kUsage, "{}: more than the {} bytes that were announced", name_,
                 options_.size_max);
  }

  const RcloneObjects& store_;
  const std::string name_;
  const PutOptions options_;
  const std::unique_ptr<ScratchDir> dir_;
  std::unique_ptr<WritableFile> spool_;  // null once finished
  uint64_t size_ = 0;
  Status problem_ = OkStatus();  // of Append
};

Result<std::unique_ptr<RcloneObjects>> RcloneObjects::Open(const Context& context,
                                                           RcloneOptions options) {
  ASSIGN_OR_RETURN(RcloneProgram program, RcloneProgram::Open(context, std::move(options)));
  return std::unique_ptr<RcloneObjects>(new RcloneObjects(context, std::move(program)));
}

Result<std::unique_ptr<ObjectWriter>> RcloneObjects::Create(const std::string& name,
                                                            const PutOptions& options) {
  RETURN_IF_ERROR(CheckPut(name, options));
  if (options.lock.has_value()) return NoLocks(name);
  RETURN_IF_ERROR(CheckRoot());
  ASSIGN_OR_RETURN(std::unique_ptr<ScratchDir> dir,
                   ScratchDir::Create(context_, program_.options().scratch_dir));
  ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> spool,
                   context_.fs.Create(Writer::SpoolIn(*dir), kPrivateFileMode));
  return std::make_unique<Writer>(*this, name, options, std::move(dir), std::move(spool));
}

Status RcloneObjects::Upload(const std::string& file, const std::string& name,
                             const PutOptions& options, uint64_t size) const {
  // Without --ignore-times an object of this size and time would be taken for this one.
  std::vector<std::string> arguments = {"copyto", "--ignore-times"};
  if (!options.metadata.empty()) arguments.emplace_back("--metadata");
  for (const auto& [key, value] : options.metadata)
    arguments.insert(arguments.end(),
                     {"--metadata-set", fmt::format("{}{}={}", kMetadataPrefix, key, value)});
  arguments.insert(arguments.end(), {file, PathOf(name)});
  const Duration limit = kSilence + std::chrono::seconds(size / kBytesPerSecondMin);
  const auto ignore = [](std::string_view) { return OkStatus(); };
  ASSIGN_OR_RETURN(const auto ended, program_.Run(arguments, limit, ignore));
  if (ended.exit_code == 0) return OkStatus();
  return RcloneProgram::ErrorOf(ended, "upload " + PathOf(name));
}

Status RcloneObjects::Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
                          const std::string& version_id) {
  if (!version_id.empty()) return NoVersions(name);
  // A directory would be printed as all its files, and what is not there as nothing: so it is known
  // before what is to come.
  ASSIGN_OR_RETURN(const ObjectInfo info, Find(name));
  const uint64_t rest = info.size - std::min(range.offset, info.size);
  const uint64_t size = range.size.value_or(rest);
  if (range.offset > info.size || size > rest) {
    return Error(Reason::kUsage, "{}: it has {} bytes, and {} at {} were asked for", PathOf(name),
                 info.size, size, range.offset);
  }
  if (size == 0) return OkStatus();
  Counter counter(size, sink);
  ASSIGN_OR_RETURN(const auto ended,
                   program_.Run({"cat", "--offset", std::to_string(range.offset), "--count",
                                 std::to_string(size), PathOf(name)},
                                kSilence, [&](std::string_view p) { return counter.Take(p); }));
  if (ended.exit_code != 0) return RcloneProgram::ErrorOf(ended, "read " + PathOf(name));
  if (counter.left() == 0) return OkStatus();
  return Error(Reason::kIoError, "read {}: rclone ended well, but {} of {} bytes did not come",
               PathOf(name), counter.left(), size);
}

Result<ObjectInfo> RcloneObjects::Head(const std::string& name, const std::string& version_id) {
  if (!version_id.empty()) return NoVersions(name);
  return Find(name);
}

Result<ObjectInfo> RcloneObjects::Find(const std::string& name) const {
  RETURN_IF_ERROR(CheckName(name));
  std::optional<ObjectInfo> found;
  RETURN_IF_ERROR(ListFolder(FolderOf(name), /*recurses=*/false,
                             {"--metadata", "--include", "/" + BaseName(name)},
                             [&](const ObjectInfo& info) {
                               if (info.name == name) found = info;
                               return OkStatus();
                             }));
  if (found.has_value()) return *std::move(found);
  return Error(Reason::kNotFound, "{}: there is no such object", PathOf(name));
}

Status RcloneObjects::List(const std::string& prefix, const std::string& after,
                           const Visit& visit) {
  std::vector<ObjectInfo> all;
  RETURN_IF_ERROR(ListFolder(FolderOf(prefix), /*recurses=*/true, {"--exclude", kPartials},
                             [&](const ObjectInfo& info) {
                               if (info.name.starts_with(prefix) && info.name > after)
                                 all.push_back(info);
                               return OkStatus();
                             }));
  std::ranges::sort(all, {}, &ObjectInfo::name);
  // Some providers hold several files of one name.
  const auto same_name = [](const ObjectInfo& a, const ObjectInfo& b) { return a.name == b.name; };
  all.erase(std::unique(all.begin(), all.end(), same_name), all.end());
  for (const ObjectInfo& info : all) RETURN_IF_ERROR(visit(info));
  return OkStatus();
}

Status RcloneObjects::ListFolder(const std::string& folder, bool recurses,
                                 const std::vector<std::string>& filter, const Visit& visit) const {
  const Visit with_folder = [&](const ObjectInfo& info) {
    if (folder.empty()) return visit(info);
    ObjectInfo named = info;
    named.name = folder + "/" + info.name;
    return visit(named);
  };
  ItemReader reader(with_folder);
  std::vector<std::string> all = {"lsjson", "--files-only", "--no-mimetype"};
  if (recurses) all.emplace_back("--recursive");
  all.insert(all.end(), filter.begin(), filter.end());
  // With the slash, a bucket lists the folder also if an object has its name.
  all.push_back(folder.empty() ? PathOf(folder) : PathOf(folder + "/"));
  ASSIGN_OR_RETURN(const auto ended, program_.Run(all, kSilence, [&](std::string_view piece) {
    return reader.Take(piece);
  }));
  if (ended.exit_code == 0) return reader.End();
  if (!folder.empty() && ended.said.find(kIsFile) != std::string::npos) return OkStatus();
  // Of a bucket that is missing, or a folder: only directories have those.
  if (ended.exit_code == kDirectoryMissing && !folder.empty()) return CheckRoot();
  if (ended.exit_code == kDirectoryMissing) {
    return Error(Reason::kBucketMissing,
                 "{}: it is not there ({}); make it (`rclone mkdir`), or name another one",
                 address(), ended.said);
  }
  return RcloneProgram::ErrorOf(ended, "list " + PathOf(folder));
}

Status RcloneObjects::CheckRoot() const {
  return ListFolder("", /*recurses=*/false, {"--include", "/none"},
                    [](const ObjectInfo&) { return OkStatus(); });
}

Status RcloneObjects::Delete(const std::string& name, const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  if (!version_id.empty()) return NoVersions(name);
  return Remove(name);
}

Status RcloneObjects::Remove(const std::string& name) const {
  const auto ignore = [](std::string_view) { return OkStatus(); };
  ASSIGN_OR_RETURN(const auto ended, program_.Run({"deletefile", PathOf(name)}, kSilence, ignore));
  if (ended.exit_code == 0 || ended.exit_code == kFileMissing) return OkStatus();
  if (ended.exit_code == kDirectoryMissing) return CheckRoot();
  return RcloneProgram::ErrorOf(ended, "delete " + PathOf(name));
}

Status RcloneObjects::SetLock(const std::string& name, const std::string&, const Lock&) {
  return NoLocks(name);
}

Status RcloneObjects::ListVersions(const std::string& prefix, const VisitVersion&) {
  return NoVersions(prefix);
}

Result<size_t> RcloneObjects::Sweep(const std::string& prefix, WallTime before) {
  std::vector<std::string> left;
  RETURN_IF_ERROR(ListFolder(FolderOf(prefix), /*recurses=*/true, {"--include", kPartials},
                             [&](const ObjectInfo& info) {
                               if (info.name.starts_with(prefix) && info.modified < before)
                                 left.push_back(info.name);
                               return OkStatus();
                             }));
  for (const std::string& name : left) RETURN_IF_ERROR(Remove(name));
  return left.size();
}

std::string RcloneObjects::PathOf(std::string_view name) const {
  const std::string& remote = address();
  if (name.empty()) return remote;
  const bool has_slash = remote.ends_with(':') || remote.ends_with('/');
  return fmt::format("{}{}{}", remote, has_slash ? "" : "/", name);
}

}  // namespace etcdrill::objects
