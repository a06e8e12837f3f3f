// The directory. A .db without its manifest is not in the listing: it is what a crash between the two renames leaves.
#include "store/local_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/host.h"
#include "store/name_claims.h"

namespace etcdrill::store {
namespace {

constexpr std::string_view kDrillsDir = "drills";
constexpr std::string_view kChecksDir = "checks";
constexpr std::string_view kOwnerFile = ".owner";
constexpr std::string_view kStateFile = "state.json";
constexpr std::string_view kLockFile = ".lock";
constexpr std::string_view kPartSuffix = ".part";
constexpr Duration kDrillsLockWait = std::chrono::seconds(5);
constexpr Duration kDrillsLockPoll = std::chrono::milliseconds(10);
constexpr uint64_t kJsonBytesMax = uint64_t{4} << 20;

// Reads `created` from state.json; makes the file if there is none, or one that says nothing.
Result<WallTime> LoadCreated(const Context& context, const std::string& dir) {
  const std::string path = JoinPath(dir, kStateFile);
  if (const auto text = context.fs.ReadWhole(path, kJsonBytesMax); text.ok()) {
    const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
    const bool readable = json.is_object() && json.contains("created") && json["created"].is_string();
    const auto created = readable ? ParseRfc3339(json["created"].get<std::string>()) : std::nullopt;
    if (created.has_value()) return *created;
    context.log.Warn("the store's state file is unreadable and is made anew", {{"path", path}});
  } else if (ReasonOf(text.status()) != Reason::kNotFound) {
    return text.status();
  }
  // Whole seconds, as in the file: after a restart it must be the same time, or it would look like a store made anew.
  const WallTime now = std::chrono::floor<std::chrono::seconds>(context.clock.Now());
  RETURN_IF_ERROR(WriteFileDurably(context.fs, path, nlohmann::json{{"created", FormatRfc3339(now)}}.dump() + "\n"));
  return now;
}

// Of the drill, at the end of the name; the snapshot's name before it has a time, too.
std::string_view TimePart(const DrillFile& drill) {
  return std::string_view(drill.name).substr(drill.name.rfind('-') + 1);
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

Status LocalStore::TakeOwnership() {
  auto lock = context_.fs.Lock(JoinPath(path_, kLockFile));
  if (!lock.ok() && ReasonOf(lock.status()) == Reason::kBusy) {
    const auto owner = context_.fs.ReadWhole(JoinPath(path_, kOwnerFile), kJsonBytesMax);
    const std::string who = owner.ok() ? *owner : "another etcdrill";
    return Error(Reason::kBusy,
                 fmt::format("store {}: {} owns it; stop that one or use another directory", path_, who));
  }
  ASSIGN_OR_RETURN(lock_, std::move(lock));
  RETURN_IF_ERROR(WriteFileDurably(context_.fs, JoinPath(path_, kOwnerFile),
                                   fmt::format("another etcdrill, process {} on {},", ProcessId(), HostName())));
  for (const std::string_view dir : {std::string_view(), kDrillsDir, kChecksDir}) {
    RETURN_IF_ERROR(Sweep(dir.empty() ? path_ : JoinPath(path_, dir)));
  }
  return OkStatus();
}

Status LocalStore::Sweep(const std::string& dir) {
  ASSIGN_OR_RETURN(const auto names, context_.fs.List(dir));
  for (const std::string& name : names) {
    const bool unfinished = name.starts_with(".") && name.ends_with(kPartSuffix);
    const std::string stem = name.substr(0, name.rfind('.'));
    const bool unsealed = name.ends_with(".db") && IsSnapshotName(stem) &&
                          !std::binary_search(names.begin(), names.end(), stem + ".json");
    const bool deleted = dir == JoinPath(path_, kChecksDir) && !Has(stem);
    if (!unfinished && !unsealed && !deleted) continue;
    RETURN_IF_ERROR(context_.fs.Unlink(JoinPath(dir, name)));
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
    const std::string name = file.substr(0, file.rfind('.'));
    auto manifest = ReadManifest(name);
    if (manifest.ok()) {
      const Status problem = CheckFile(*manifest);
      if (!problem.ok() && !Has(name)) continue;  // retention was faster
      const bool has_checks = std::binary_search(checked.begin(), checked.end(), file);
      snapshots.push_back({*std::move(manifest), has_checks ? ReadChecks(name) : Checks{},
                           std::string(problem.ok() ? "" : MessageOf(problem))});
    } else if (ReasonOf(manifest.status()) != Reason::kNotFound) {
      context_.log.Warn("a manifest can't be read", {{"err", MessageOf(manifest.status())}});
    }
  }
  std::stable_sort(snapshots.begin(), snapshots.end(), [](const StoredSnapshot& a, const StoredSnapshot& b) {
    return a.manifest.taken < b.manifest.taken;
  });
  return snapshots;
}

// One that can't be read says nothing: then the snapshot is merely looked at again.
Checks LocalStore::ReadChecks(std::string_view name) const {
  const auto text = context_.fs.ReadWhole(ChecksPath(name), kJsonBytesMax);
  if (!text.ok()) return {};
  auto checks = ParseChecks(*text);
  if (!checks.ok()) context_.log.Warn("a record of checks can't be read", {{"snapshot", name}});
  return checks.ok() ? *std::move(checks) : Checks{};
}

Status LocalStore::UpdateChecks(const std::string& name, const std::function<void(Checks&)>& change) {
  const std::lock_guard lock(mutex_);
  if (!Has(name)) return Error(Reason::kNotFound, fmt::format("there is no snapshot {} any more", name));
  Checks checks = ReadChecks(name);
  change(checks);
  return WriteFileDurably(context_.fs, ChecksPath(name), ToJson(checks));
}

LocalStore::Use::Use(LocalStore& store, std::string name) : store_(store), name_(std::move(name)) {
  const std::lock_guard lock(store_.mutex_);
  store_.in_use_.insert(name_);
}

LocalStore::Use::~Use() {
  const std::lock_guard lock(store_.mutex_);
  store_.in_use_.erase(store_.in_use_.find(name_));
}

Status LocalStore::Delete(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (in_use_.contains(name)) {
    return Error(Reason::kBusy, fmt::format("delete the snapshot {}: it is being read; try again later", name));
  }
  RETURN_IF_ERROR(context_.fs.Unlink(ManifestPath(name)));
  RETURN_IF_ERROR(context_.fs.SyncDir(path_));
  context_.fs.Unlink(ChecksPath(name)).IgnoreError();  // there may be none; else the next owner removes it
  RETURN_IF_ERROR(context_.fs.Unlink(SnapshotPath(name)));
  return context_.fs.SyncDir(path_);
}

// Of a drill by the sidecar and one by hand, one waits for the other: it is a matter of milliseconds.
Result<std::unique_ptr<FileLock>> LocalStore::LockDrills() const {
  const MonotonicTime deadline = context_.clock.Monotonic() + kDrillsLockWait;
  while (true) {
    auto lock = context_.fs.Lock(JoinPath(JoinPath(path_, kDrillsDir), kLockFile));
    const bool busy = !lock.ok() && ReasonOf(lock.status()) == Reason::kBusy;
    if (!busy || context_.clock.Monotonic() >= deadline) return lock;
    context_.clock.SleepFor(kDrillsLockPoll, {});
  }
}

Status LocalStore::AddDrillReport(std::string_view snapshot, WallTime finished, const MakeReport& make) {
  ASSIGN_OR_RETURN(const auto lock, LockDrills());
  ASSIGN_OR_RETURN(const std::vector<DrillFile> earlier, DrillReports());
  // Names rise with each report, also where a drill that began earlier ends later, or two end in one second: so none
  // takes the place of another, and the last by name is the last that was written.
  if (!earlier.empty()) {
    const auto last = ClaimsOfName(TimePart(earlier.back())).taken;
    if (last.has_value()) finished = std::max(finished, *last + std::chrono::seconds(1));
  }
  const std::string name = fmt::format("{}-{}.json", snapshot, FormatCompactUtc(finished));
  return WriteFileDurably(context_.fs, JoinPath(JoinPath(path_, kDrillsDir), name), make(earlier));
}

Result<std::vector<DrillFile>> LocalStore::DrillReports() const {
  const std::string dir = JoinPath(path_, kDrillsDir);
  ASSIGN_OR_RETURN(const auto names, context_.fs.List(dir));
  std::vector<DrillFile> drills;
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;
    auto json = context_.fs.ReadWhole(JoinPath(dir, name), kJsonBytesMax);
    if (json.ok()) {
      drills.push_back({name.substr(0, name.rfind('.')), *std::move(json)});
    } else {
      context_.log.Warn("a drill report can't be read", {{"err", MessageOf(json.status())}});
    }
  }
  std::stable_sort(drills.begin(), drills.end(),
                   [](const DrillFile& a, const DrillFile& b) { return TimePart(a) < TimePart(b); });
  return drills;
}

}  // namespace etcdrill::store
