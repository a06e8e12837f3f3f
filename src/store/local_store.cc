// The directory. A .db without its manifest is not in the listing: it is what a crash between the two renames leaves.
#include "store/local_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "store/name_claims.h"

namespace etcdrill::store {
namespace {

constexpr std::string_view kDrillsDir = "drills";
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
  const WallTime now = context.clock.Now();
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
  RETURN_IF_ERROR(context.fs.MakeDirs(JoinPath(path, kDrillsDir), kPrivateDirMode));
  ASSIGN_OR_RETURN(const WallTime created, LoadCreated(context, path));
  return std::unique_ptr<LocalStore>(new LocalStore(context, path, created));
}

Status LocalStore::TakeOwnership() {
  ASSIGN_OR_RETURN(lock_, context_.fs.Lock(JoinPath(path_, kLockFile)));
  for (const std::string& dir : {path_, JoinPath(path_, kDrillsDir)}) {
    ASSIGN_OR_RETURN(const auto names, context_.fs.List(dir));
    for (const std::string& name : names) {
      const bool unfinished = name.starts_with(".") && name.ends_with(kPartSuffix);
      const std::string stem = name.substr(0, name.rfind('.'));
      const bool unsealed = name.ends_with(".db") && IsSnapshotName(stem) &&
                            !std::binary_search(names.begin(), names.end(), stem + ".json");
      if (!unfinished && !unsealed) continue;
      RETURN_IF_ERROR(context_.fs.Unlink(JoinPath(dir, name)));
      context_.log.Info("removed what an interrupted run left in the store", {{"file", name}});
    }
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
  const Status sealed = WriteFileDurably(context_.fs, JoinPath(path_, manifest.name + ".json"), ToJson(manifest));
  if (!sealed.ok())
    context_.fs.Unlink(path).IgnoreError();  // without its manifest it is nothing, and may fill the disk
  return sealed;
}

std::string LocalStore::SnapshotPath(std::string_view name) const {
  return JoinPath(path_, fmt::format("{}.db", name));
}

Result<Manifest> LocalStore::Find(std::string_view name) const {
  const std::string path = JoinPath(path_, fmt::format("{}.json", name));
  ASSIGN_OR_RETURN(const std::string text, context_.fs.ReadWhole(path, kJsonBytesMax));
  auto manifest = ParseManifest(text);
  if (!manifest.ok()) return Annotate(manifest.status(), path);
  // A manifest speaks for its own file only, and only while that is there, whole.
  if (manifest->name != name)
    return Error(Reason::kDamaged, fmt::format("{}: it is the manifest of {}", path, manifest->name));
  ASSIGN_OR_RETURN(const FileInfo file, context_.fs.Stat(SnapshotPath(name)));
  if (file.size != manifest->size_bytes) {
    return Error(Reason::kDamaged, fmt::format("{}: the snapshot has {} bytes, {} were stored", SnapshotPath(name),
                                               file.size, manifest->size_bytes));
  }
  return manifest;
}

Result<std::vector<Manifest>> LocalStore::List() const {
  ASSIGN_OR_RETURN(const auto names, context_.fs.List(path_));
  std::vector<Manifest> manifests;
  for (const std::string& name : names) {
    if (!name.ends_with(".json") || name == kStateFile) continue;
    auto manifest = Find(name.substr(0, name.rfind('.')));
    if (manifest.ok()) {
      manifests.push_back(*std::move(manifest));
    } else {
      context_.log.Warn("a manifest can't be read", {{"err", MessageOf(manifest.status())}});
    }
  }
  std::stable_sort(manifests.begin(), manifests.end(),
                   [](const Manifest& a, const Manifest& b) { return a.taken < b.taken; });
  return manifests;
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
