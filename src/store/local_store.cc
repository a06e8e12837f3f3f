// The directory. A .db without its manifest is not in the listing: it is what a crash between the two renames leaves.
#include "store/local_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/host.h"
#include "store/order.h"

namespace etcdrill::store {
namespace {

constexpr std::string_view kDrillsDir = "drills";
constexpr std::string_view kChecksDir = "checks";
constexpr std::string_view kOwnerFile = ".owner";
constexpr std::string_view kStateFile = "state.json";
constexpr std::string_view kLockFile = ".lock";
constexpr std::string_view kPartSuffix = ".part";
constexpr Duration kLockWait = std::chrono::seconds(5);
constexpr Duration kLockPoll = std::chrono::milliseconds(10);
// What another sidecar is writing right now is younger: a stream without progress ends within a minute.
constexpr Duration kAbandonedAge = std::chrono::hours(1);
constexpr uint64_t kJsonBytesMax = uint64_t{4} << 20;

// For the few milliseconds that it takes to change files there; one waits for another, but not for ever.
Result<std::unique_ptr<FileLock>> LockFolder(const Context& context, const std::string& path) {
  const MonotonicTime deadline = context.clock.Monotonic() + kLockWait;
  while (true) {
    auto lock = context.fs.Lock(JoinPath(path, kLockFile));
    const bool busy = !lock.ok() && ReasonOf(lock.status()) == Reason::kBusy;
    if (!busy || context.clock.Monotonic() >= deadline) return lock;
    context.clock.SleepFor(kLockPoll, {});
  }
}

// `created` of state.json; none if there is no such file, or it says nothing.
Result<std::optional<WallTime>> ReadCreated(const Context& context, const std::string& path) {
  const auto text = context.fs.ReadWhole(path, kJsonBytesMax);
  if (!text.ok() && ReasonOf(text.status()) == Reason::kNotFound) return std::optional<WallTime>();
  RETURN_IF_ERROR(text.status());
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const bool readable = json.is_object() && json.contains("created") && json["created"].is_string();
  const auto created = readable ? ParseRfc3339(json["created"].get<std::string>()) : std::nullopt;
  if (!created.has_value()) {
    context.log.Warn("the store's state file is unreadable and is made anew", {{"path", path}});
  }
  return created;
}

// Makes the file if there is none that says something. Two that open a new store at a time agree on when it was made.
Result<WallTime> LoadCreated(const Context& context, const std::string& dir) {
  const std::string path = JoinPath(dir, kStateFile);
  ASSIGN_OR_RETURN(auto created, ReadCreated(context, path));
  if (created.has_value()) return *created;
  ASSIGN_OR_RETURN(const auto lock, LockFolder(context, JoinPath(dir, kChecksDir)));
  ASSIGN_OR_RETURN(created, ReadCreated(context, path));
  if (created.has_value()) return *created;
  // Whole seconds, as in the file: after a restart it must be the same time, or it would look like a store made anew.
  const WallTime now = std::chrono::floor<std::chrono::seconds>(context.clock.Now());
  RETURN_IF_ERROR(WriteFileDurably(context.fs, path, nlohmann::json{{"created", FormatRfc3339(now)}}.dump() + "\n"));
  return now;
}

}  // namespace

Result<std::unique_ptr<LocalStore>> LocalStore::Open(const Context& context, const std::string& path) {
  RETURN_IF_ERROR(context.fs.MakeDirs(path, kPrivateDirMode));
  for (const std::string_view dir : {kDrillsDir, kChecksDir}) {
    RETURN_IF_ERROR(context.fs.MakeDirs(JoinPath(path, dir), kPrivateDirMode));
  }
  ASSIGN_OR_RETURN(const WallTime created, LoadCreated(context, path));
  return std::unique_ptr<LocalStore>(new LocalStore(context, path, created));
}

Status LocalStore::TakeOwnership(Ownership ownership) {
  const bool alone = ownership == Ownership::kAlone;
  auto lock = context_.fs.Lock(JoinPath(path_, kLockFile), alone ? LockMode::kExclusive : LockMode::kShared);
  if (!lock.ok() && ReasonOf(lock.status()) == Reason::kBusy) {
    const auto owner = context_.fs.ReadWhole(JoinPath(path_, kOwnerFile), kJsonBytesMax);
    const std::string who = owner.ok() ? *owner : "another etcdrill";
    return Error(Reason::kBusy,
                 fmt::format("store {}: {} owns it; stop that one or use another directory", path_, who));
  }
  ASSIGN_OR_RETURN(lock_, std::move(lock));
  {
    ASSIGN_OR_RETURN(const auto changing, LockFolder(context_, JoinPath(path_, kChecksDir)));
    RETURN_IF_ERROR(WriteFileDurably(context_.fs, JoinPath(path_, kOwnerFile),
                                     fmt::format("another etcdrill, process {} on {},", ProcessId(), HostName())));
  }
  for (const std::string_view dir : {std::string_view(), kDrillsDir, kChecksDir}) {
    RETURN_IF_ERROR(Sweep(dir.empty() ? path_ : JoinPath(path_, dir), alone ? Duration::zero() : kAbandonedAge));
  }
  return OkStatus();
}

Status LocalStore::Sweep(const std::string& dir, Duration age_min) {
  ASSIGN_OR_RETURN(const auto names, context_.fs.List(dir));
  for (const std::string& name : names) {
    const bool unfinished = name.starts_with(".") && name.ends_with(kPartSuffix);
    const std::string stem = name.substr(0, name.rfind('.'));
    const bool unsealed = name.ends_with(".db") && IsSnapshotName(stem) &&
                          !std::binary_search(names.begin(), names.end(), stem + ".json");
    const bool deleted = dir == JoinPath(path_, kChecksDir) && name != kLockFile && !Has(stem);
    if (!unfinished && !unsealed && !deleted) continue;
    const std::string path = JoinPath(dir, name);
    if (age_min > Duration::zero()) {
      const auto info = context_.fs.Stat(path);
      if (!info.ok() || context_.clock.Now() - info->modified < age_min) continue;
    }
    RETURN_IF_ERROR(context_.fs.Unlink(path));
    context_.log.Info("removed what an interrupted run left in the store", {{"file", name}});
  }
  return OkStatus();
}

std::string LocalStore::StagingPath() {
  return JoinPath(path_, fmt::format(".{:016x}.db{}", context_.random.Next(), kPartSuffix));
}

Status LocalStore::Seal(DurableFile file, const Manifest& manifest) {
  const std::string path = SnapshotPath(manifest.name);
  if (context_.fs.Exists(path))
    return Error(Reason::kAlreadyExists, fmt::format("store {}: it is there already", path));
  RETURN_IF_ERROR(file.Commit(path));
  const Status sealed = WriteFileDurably(context_.fs, ManifestPath(manifest.name), ToJson(manifest));
  if (!sealed.ok())
    context_.fs.Unlink(path).IgnoreError();  // without its manifest it is nothing, and may fill the disk
  return sealed;
}

std::string LocalStore::SnapshotPath(std::string_view name) const {
  return JoinPath(path_, fmt::format("{}.db", name));
}

bool LocalStore::Has(std::string_view name) const { return context_.fs.Exists(ManifestPath(name)); }

std::string LocalStore::ManifestPath(std::string_view name) const {
  return JoinPath(path_, fmt::format("{}.json", name));
}

std::string LocalStore::ChecksPath(std::string_view name) const {
  return JoinPath(JoinPath(path_, kChecksDir), fmt::format("{}.json", name));
}

Result<Manifest> LocalStore::ReadManifest(std::string_view name) const {
  const std::string path = ManifestPath(name);
  ASSIGN_OR_RETURN(const std::string text, context_.fs.ReadWhole(path, kJsonBytesMax));
  auto manifest = ParseManifest(text);
  if (!manifest.ok()) return Annotate(manifest.status(), path);
  // A manifest speaks for its own file only.
  if (manifest->name != name)
    return Error(Reason::kDamaged, fmt::format("{}: it is the manifest of {}", path, manifest->name));
  return manifest;
}

// As far as it shows without reading it.
Status LocalStore::CheckFile(const Manifest& manifest) const {
  const std::string path = SnapshotPath(manifest.name);
  ASSIGN_OR_RETURN(const FileInfo file, context_.fs.Stat(path));
  if (file.size == manifest.size_bytes) return OkStatus();
  return Error(Reason::kDamaged,
               fmt::format("{}: the snapshot has {} bytes, {} were stored", path, file.size, manifest.size_bytes));
}

Result<Manifest> LocalStore::Find(std::string_view name) const {
  ASSIGN_OR_RETURN(Manifest manifest, ReadManifest(name));
  RETURN_IF_ERROR(CheckFile(manifest));
  return manifest;
}

Result<std::vector<StoredSnapshot>> LocalStore::List() const {
  ASSIGN_OR_RETURN(const auto names, context_.fs.List(path_));
  ASSIGN_OR_RETURN(const auto checked, context_.fs.List(JoinPath(path_, kChecksDir)));
  std::vector<StoredSnapshot> snapshots;
  for (const std::string& file : names) {
    if (!file.ends_with(".json") || file == kStateFile) continue;
    RETURN_IF_ERROR(CheckStop());
    const std::string name = file.substr(0, file.rfind('.'));
    auto manifest = ReadManifest(name);
    if (manifest.ok()) {
      const Status problem = CheckFile(*manifest);
      if (!problem.ok() && !Has(name)) continue;  // retention was faster
      const bool has_checks = std::binary_search(checked.begin(), checked.end(), file);
      snapshots.push_back({*std::move(manifest), has_checks ? ReadChecks(name) : Checks{}, problem});
    } else if (ReasonOf(manifest.status()) != Reason::kNotFound && told_.IsNews(context_.fs, ManifestPath(name))) {
      context_.log.Warn("a manifest can't be read", {{"err", MessageOf(manifest.status())}});
    }
  }
  std::stable_sort(snapshots.begin(), snapshots.end(),
                   [now = context_.clock.Now()](const StoredSnapshot& a, const StoredSnapshot& b) {
                     return IsOlder(a.manifest, b.manifest, now);
                   });
  return snapshots;
}

// One that can't be read says nothing: then the snapshot is merely looked at again.
Checks LocalStore::ReadChecks(std::string_view name) const {
  const auto text = context_.fs.ReadWhole(ChecksPath(name), kJsonBytesMax);
  if (!text.ok()) return {};
  auto checks = ParseChecks(*text);
  if (!checks.ok() && told_.IsNews(context_.fs, ChecksPath(name))) {
    context_.log.Warn("a record of checks can't be read", {{"snapshot", name}});
  }
  return checks.ok() ? *std::move(checks) : Checks{};
}

Status LocalStore::UpdateChecks(const std::string& name, const std::function<void(Checks&)>& change) {
  ASSIGN_OR_RETURN(const auto lock, LockFolder(context_, JoinPath(path_, kChecksDir)));
  if (!Has(name)) return Error(Reason::kNotFound, fmt::format("there is no snapshot {} any more", name));
  Checks checks = ReadChecks(name);
  change(checks);
  return WriteFileDurably(context_.fs, ChecksPath(name), ToJson(checks));
}

Result<std::unique_ptr<FileLock>> LocalStore::Use(const std::string& name) const {
  auto lock = context_.fs.LockExisting(SnapshotPath(name), LockMode::kShared);
  const bool goes = !lock.ok() && ReasonOf(lock.status()) == Reason::kBusy;
  if (goes || !Has(name)) return Error(Reason::kNotFound, fmt::format("there is no snapshot {} any more", name));
  return lock.ok() ? *std::move(lock) : nullptr;
}

Status LocalStore::Delete(const std::string& name) {
  const auto unused = context_.fs.LockExisting(SnapshotPath(name));
  if (!unused.ok() && ReasonOf(unused.status()) == Reason::kBusy) {
    return Error(Reason::kBusy, fmt::format("delete the snapshot {}: it is being read; try again later", name));
  }
  ASSIGN_OR_RETURN(const auto lock, LockFolder(context_, JoinPath(path_, kChecksDir)));
  RETURN_IF_ERROR(context_.fs.Unlink(ManifestPath(name)));
  RETURN_IF_ERROR(context_.fs.SyncDir(path_));
  context_.fs.Unlink(ChecksPath(name)).IgnoreError();  // there may be none; else the next owner removes it
  RETURN_IF_ERROR(context_.fs.Unlink(SnapshotPath(name)));
  return context_.fs.SyncDir(path_);
}

Status LocalStore::AddDrillReport(std::string_view snapshot, WallTime finished, const MakeReport& make) {
  ASSIGN_OR_RETURN(const auto lock, LockFolder(context_, JoinPath(path_, kDrillsDir)));
  ASSIGN_OR_RETURN(std::vector<DrillFile> earlier, DrillReports());
  const std::optional<DrillFile> previous = earlier.empty() ? std::nullopt : std::optional(std::move(earlier.back()));
  if (previous.has_value()) finished = NextDrillTime(previous->name, finished);
  const auto path = [&] { return DrillPath(fmt::format("{}-{}", snapshot, FormatCompactUtc(finished))); };
  while (context_.fs.Exists(path())) finished += std::chrono::seconds(1);
  return WriteFileDurably(context_.fs, path(), make(previous));
}

Result<std::unique_ptr<DrillMark>> LocalStore::MarkDrill(const std::string& text) const {
  return DrillMark::Leave(context_, JoinPath(path_, kDrillsDir), text);
}

Status LocalStore::TakeDeadDrills(const std::function<Status(const std::string& text)>& tell) const {
  return TakeDeadMarks(context_, JoinPath(path_, kDrillsDir), tell);
}

std::string LocalStore::DrillPath(std::string_view name) const {
  return JoinPath(JoinPath(path_, kDrillsDir), fmt::format("{}.json", name));
}

// By the time in the name.
Result<std::vector<std::string>> LocalStore::DrillNames() const {
  ASSIGN_OR_RETURN(const auto files, context_.fs.List(JoinPath(path_, kDrillsDir)));
  std::vector<std::string> names;
  for (const std::string& file : files) {
    if (file.ends_with(".json")) names.push_back(file.substr(0, file.rfind('.')));
  }
  std::stable_sort(names.begin(), names.end(),
                   [](const std::string& a, const std::string& b) { return TimeOfDrillName(a) < TimeOfDrillName(b); });
  return names;
}

std::optional<DrillFile> LocalStore::ReadDrill(const std::string& name) const {
  auto json = context_.fs.ReadWhole(DrillPath(name), kJsonBytesMax);
  if (json.ok()) return DrillFile{name, *std::move(json)};
  if (IsNewsOfDrill(name)) context_.log.Warn("a drill report can't be read", {{"err", MessageOf(json.status())}});
  return std::nullopt;
}

Result<std::vector<DrillFile>> LocalStore::DrillReports() const {
  ASSIGN_OR_RETURN(const auto names, DrillNames());
  std::vector<DrillFile> drills;
  for (const std::string& name : names) {
    RETURN_IF_ERROR(CheckStop());
    if (auto drill = ReadDrill(name)) drills.push_back(*std::move(drill));
  }
  return InOrderOfWriting(std::move(drills));
}

// Renaming a file into a directory, and removing one, changes the directory's time.
LocalStore::Stamp LocalStore::CurrentStamp() const {
  const auto modified = [&](const std::string& path) {
    const auto info = context_.fs.Stat(path);
    return info.ok() ? info->modified : WallTime();
  };
  return {modified(path_), modified(JoinPath(path_, kDrillsDir)), modified(JoinPath(path_, kChecksDir))};
}

// Thousands of files take longer than a stop may.
Status LocalStore::CheckStop() const {
  return context_.stop.stop_requested() ? Error(Reason::kInterrupted, "interrupted") : OkStatus();
}

}  // namespace etcdrill::store
