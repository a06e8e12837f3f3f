// Only plain files whose names have the form of our own are ever removed: a NAS puts @eaDir there,
// a new file system lost+found, NFS .nfsXXXX, and people their notes.
#include "store/store_dir.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "io/durable_file.h"
#include "io/process.h"
#include "store/leftovers.h"

namespace etcdrill::store {
namespace {

constexpr std::string_view kDrillsDir = "drills";
constexpr std::string_view kChecksDir = "checks";
constexpr std::string_view kOwnerFile = ".owner";
constexpr std::string_view kLockFile = ".lock";
constexpr Duration kLockWait = std::chrono::seconds(5);
constexpr Duration kLockPoll = std::chrono::milliseconds(10);
// What somebody is writing right now is younger: a stream without progress ends within a minute.
constexpr Duration kAbandonedAge = std::chrono::hours(1);
constexpr uint64_t kStateBytesMax = uint64_t{64} << 10;

Result<std::unique_ptr<FileLock>> LockFolder(const Context& context, const std::string& path) {
  const MonotonicTime deadline = context.clock.Monotonic() + kLockWait;
  while (true) {
    auto lock = context.fs.Lock(JoinPath(path, kLockFile));
    if (!Is(lock, Reason::kBusy) || context.clock.Monotonic() >= deadline) return lock;
    context.clock.SleepFor(kLockPoll, {});
  }
}

// `created` of state.json; none if there is no such file, or it says nothing.
Result<std::optional<WallTime>> ReadCreated(const Context& context, const std::string& path) {
  const auto text = context.fs.ReadWhole(path, kStateBytesMax);
  if (Is(text, Reason::kNotFound)) return std::optional<WallTime>();
  RETURN_IF_ERROR(text.status());
  const Json json = ParseJson(*text);
  const bool readable = json.is_object() && json.contains("created") && json["created"].is_string();
  const auto created = readable ? ParseRfc3339(json["created"].get<std::string>()) : std::nullopt;
  if (!created.has_value()) {
    context.log.Warn("state file unreadable, recreated", {{"path", path}});
  }
  return created;
}

// Makes the file if there is none that says something. Two that open a new store at a time agree on
// when it was made.
Result<WallTime> LoadCreated(const Context& context, const std::string& dir) {
  const std::string path = JoinPath(dir, kStateFile);
  ASSIGN_OR_RETURN(auto created, ReadCreated(context, path));
  if (created.has_value()) return *created;
  ASSIGN_OR_RETURN(const auto lock, LockFolder(context, JoinPath(dir, kChecksDir)));
  ASSIGN_OR_RETURN(created, ReadCreated(context, path));
  if (created.has_value()) return *created;
  // Whole seconds, as in the file: after a restart it must be the same time, or it would look like
  // a store made anew.
  const WallTime now = std::chrono::floor<std::chrono::seconds>(context.clock.Now());
  RETURN_IF_ERROR(
      WriteFileDurably(context.fs, path, DumpLine(Json{{"created", FormatRfc3339(now)}}) + "\n"));
  return now;
}

}  // namespace

Result<std::unique_ptr<StoreDir>> StoreDir::Open(const Context& context, std::string path) {
  context.fs.GiveToOwner(path);  // a command of root must not shut out a sidecar that is not
  std::unique_ptr<StoreDir> dir(new StoreDir(context, std::move(path)));
  RETURN_IF_ERROR(dir->Make());
  return dir;
}

Status StoreDir::Make() {
  for (const std::string& dir : {path_, drills(), checks()})
    RETURN_IF_ERROR(MakeDirsDurably(context_.fs, dir));
  ASSIGN_OR_RETURN(created_, LoadCreated(context_, path_));
  return OkStatus();
}

Status StoreDir::TakeOwnership(Ownership ownership) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Own(ownership));
  ownership_ = ownership;
  return OkStatus();
}

Status StoreDir::Own(Ownership ownership) {
  const bool alone = ownership == Ownership::kAlone;
  auto lock = context_.fs.Lock(lock_path(), alone ? LockMode::kExclusive : LockMode::kShared);
  if (Is(lock, Reason::kBusy)) {
    const auto owner = context_.fs.ReadWhole(JoinPath(path_, kOwnerFile), kStateBytesMax);
    const std::string who = owner.ok() ? *owner : "another etcdrill";
    return Error(Reason::kBusy,
                 "store {}: {} owns the store. Stop that process, or use another directory", path_,
                 who);
  }
  RETURN_IF_ERROR(lock.status());
  {
    ASSIGN_OR_RETURN(const auto changing, LockChecks());
    RETURN_IF_ERROR(WriteFileDurably(
        context_.fs, JoinPath(path_, kOwnerFile),
        fmt::format("another etcdrill, process {} on {},", ProcessId(), HostName())));
  }
  RETURN_IF_ERROR(Sweep(alone ? Duration::zero() : kAbandonedAge));
  lock_ = *std::move(lock);
  return OkStatus();
}

Status StoreDir::Attend() {
  const std::lock_guard lock(mutex_);
  if (!ownership_.has_value()) return OkStatus();
  const bool moved = !lock_->Guards(lock_path());
  if (!moved && context_.fs.Exists(drills()) && context_.fs.Exists(checks())) return OkStatus();
  RETURN_IF_ERROR(Make());
  // What was owned until now is let go only after that: it may come back.
  if (moved) RETURN_IF_ERROR(Own(*ownership_));
  context_.log.Warn(moved ? "store directory replaced, new directory taken over"
                          : "store folders missing, recreated",
                    {{"path", path_}});
  return OkStatus();
}

Status StoreDir::SweepOld() { return Sweep(kAbandonedAge); }

Status StoreDir::Sweep(Duration age_min) {
  ASSIGN_OR_RETURN(const auto changing, LockChecks());
  std::vector<std::string> paths;
  ASSIGN_OR_RETURN(auto names, context_.fs.List(path_));
  for (const std::string& name : UnsealedIn(names)) paths.push_back(snapshot(name));
  RETURN_IF_ERROR(RemoveLeftovers(paths, age_min));
  paths.clear();
  // What proves that a snapshot was not sealed goes after it, if that went.
  ASSIGN_OR_RETURN(names, context_.fs.List(path_));
  ASSIGN_OR_RETURN(const auto drill_names, context_.fs.List(drills()));
  ASSIGN_OR_RETURN(const auto check_names, context_.fs.List(checks()));
  for (const std::string& name : LeftInStore(names)) paths.push_back(JoinPath(path_, name));
  for (const std::string& name : LeftInDrills(drill_names))
    paths.push_back(JoinPath(drills(), name));
  for (const std::string& name : LeftInChecks(check_names, names))
    paths.push_back(JoinPath(checks(), name));
  return RemoveLeftovers(paths, age_min);
}

Status StoreDir::RemoveLeftovers(const std::vector<std::string>& paths, Duration age_min) {
  // What was renamed or removed before must not come back after a power loss when these are gone.
  if (!paths.empty()) RETURN_IF_ERROR(context_.fs.SyncDir(path_));
  for (const std::string& path : paths) {
    const Status removed = RemoveLeftover(path, age_min);
    const bool gone = Is(removed, Reason::kNotFound);  // it was no leftover
    if (removed.ok() || gone || !told_.IsNews(context_.fs, path)) continue;
    context_.log.Warn("store leftover not removed", {{"err", MessageOf(removed)}});
  }
  return OkStatus();
}

Status StoreDir::RemoveLeftover(const std::string& path, Duration age_min) {
  ASSIGN_OR_RETURN(const FileInfo info, context_.fs.Stat(path));
  if (info.kind != FileInfo::Kind::kFile || info.is_symlink) return OkStatus();
  if (age_min > Duration::zero() && context_.clock.Now() - info.modified < age_min)
    return OkStatus();
  const auto lock = context_.fs.LockExisting(path);
  if (Is(lock, Reason::kBusy)) return OkStatus();  // its writer is alive
  RETURN_IF_ERROR(context_.fs.Unlink(path));
  context_.log.Info("store leftover removed", {{"file", BaseName(path)}});
  return OkStatus();
}

Result<std::unique_ptr<FileLock>> StoreDir::LockDrills() const {
  return LockFolder(context_, drills());
}
Result<std::unique_ptr<FileLock>> StoreDir::LockChecks() const {
  return LockFolder(context_, checks());
}

std::string StoreDir::drills() const { return JoinPath(path_, kDrillsDir); }
std::string StoreDir::checks() const { return JoinPath(path_, kChecksDir); }
std::string StoreDir::snapshot(std::string_view name) const {
  return JoinPath(path_, fmt::format("{}.db", name));
}
std::string StoreDir::unsealed(std::string_view name) const {
  return JoinPath(path_, UnsealedName(name));
}
std::string StoreDir::manifest(std::string_view name) const {
  return JoinPath(path_, fmt::format("{}.json", name));
}
std::string StoreDir::lock_path() const { return JoinPath(path_, kLockFile); }

std::string StoreDir::StagingPath() const {
  return JoinPath(path_, StagingName(context_.random.Next()));
}

WallTime StoreDir::created() const {
  const std::lock_guard lock(mutex_);
  return created_;
}

}  // namespace etcdrill::store
