// The directory. A snapshot is sealed by the rename of its manifest, and unsealed by the rename
// back: so at each moment a .db of ours has one of the two beside it.
#include "store/local_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "store/leftovers.h"
#include "store/manifest_file.h"

namespace etcdrill::store {
namespace {

constexpr uint64_t kJsonBytesMax = uint64_t{4} << 20;
constexpr const char* kIdFile = ".id";
constexpr size_t kIdDigits = 16;
constexpr const char* kSitesFile = ".sites";

// A manifest, a record of checks or a drill report, whole.
bool IsRecord(std::string_view file) { return file.ends_with(".json") && !file.starts_with('.'); }

std::string StemOf(const std::string& file) { return file.substr(0, file.rfind('.')); }

std::string DrillName(std::string_view snapshot, WallTime finished) {
  return fmt::format("{}-{}", snapshot, FormatCompactUtc(finished));
}

std::optional<DrillFile> Last(const std::vector<DrillFile>& drills) {
  return drills.empty() ? std::nullopt : std::optional(drills.back());
}

WallTime TimeAfter(const std::optional<DrillFile>& previous, WallTime finished) {
  return previous.has_value() ? NextDrillTime(previous->name, finished) : finished;
}

}  // namespace

Result<std::unique_ptr<LocalStore>> LocalStore::Open(const Context& context,
                                                     const std::string& path) {
  ASSIGN_OR_RETURN(auto dir, StoreDir::Open(context, path));
  return std::unique_ptr<LocalStore>(new LocalStore(context, std::move(dir)));
}

Status LocalStore::Tidy() {
  RETURN_IF_ERROR(dir_->Attend());
  return dir_->SweepOld();
}

// Two sites, or two processes, ask for it at the same moment when the store is new.
Result<std::string> LocalStore::Id() const {
  constexpr uint64_t kIdBytesMax = 64;
  const std::string path = JoinPath(this->path(), kIdFile);
  auto text = context_.fs.ReadWhole(path, kIdBytesMax);
  if (Is(text, Reason::kNotFound)) {
    ASSIGN_OR_RETURN(const auto lock, dir_->LockChecks());
    text = context_.fs.ReadWhole(path, kIdBytesMax);
    if (Is(text, Reason::kNotFound)) {
      const std::string made = fmt::format("{:016x}\n", context_.random.Next());
      RETURN_IF_ERROR(WriteNewFileDurably(context_.fs, path, made));
      text = made;
    }
  }
  RETURN_IF_ERROR(text.status());
  const std::string id = text->substr(0, text->find('\n'));
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (id.size() == kIdDigits && id.find_first_not_of(kDigits) == std::string::npos) return id;
  return Error(Reason::kDamaged, "{}: not the id of a store. Remove the file: a new one is made",
               path);
}

std::string LocalStore::KnownSitesPath() const { return JoinPath(path(), kSitesFile); }

Result<LocalStore::SiteIds> LocalStore::KnownSites() const {
  const std::string path = KnownSitesPath();
  const auto text = context_.fs.ReadWhole(path, kJsonBytesMax);
  if (Is(text, Reason::kNotFound)) return SiteIds{};
  RETURN_IF_ERROR(text.status());
  const Json json = ParseJson(*text);
  bool readable = json.is_object();
  SiteIds ids;
  if (readable) {
    for (const auto& [site, id] : json.items()) {
      readable = readable && id.is_string();
      if (id.is_string()) ids[site] = id.get<std::string>();
    }
  }
  if (readable) return ids;
  return Error(Reason::kDamaged,
               "{}: not JSON of the form {{\"SITE\": \"ID\"}}; is a comma wrong? Correct it, or "
               "remove the file: the sites then count as new ones",
               path);
}

Status LocalStore::RememberSite(const std::string& site, const std::string& id) {
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const SiteIds before, KnownSites());
  if (before.contains(site)) return OkStatus();
  ASSIGN_OR_RETURN(const auto lock, dir_->LockChecks());  // sites are copied to side by side
  ASSIGN_OR_RETURN(SiteIds ids, KnownSites());
  if (!ids.emplace(site, id).second) return OkStatus();
  return WriteFileDurably(context_.fs, KnownSitesPath(), Dump(Json(ids)) + "\n");
}

std::string LocalStore::StagingPath() {
  dir_->Attend().IgnoreError();  // what is wrong shows when the file is made
  return dir_->StagingPath();
}

Status LocalStore::Seal(DurableFile& file, const Manifest& manifest) {
  RETURN_IF_ERROR(file.Sync());  // before anybody waits for the lock
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const auto lock, dir_->LockChecks());  // or a sweep could take it for a leftover
  const std::string path = SnapshotPath(manifest.name);
  for (const std::string& taken : {path, ManifestPath(manifest.name)}) {
    ASSIGN_OR_RETURN(const bool there, context_.fs.IsThere(taken));
    if (there) return Error(Reason::kAlreadyExists, "store {}: the file already exists", taken);
  }
  const auto seal = [&]() -> Status {
    RETURN_IF_ERROR(WriteFileDurably(context_.fs, dir_->unsealed(manifest.name),
                                     Dump(ToJson(manifest)) + "\n"));
    RETURN_IF_ERROR(file.Commit(path));
    RETURN_IF_ERROR(context_.fs.Rename(dir_->unsealed(manifest.name), ManifestPath(manifest.name)));
    return context_.fs.SyncDir(this->path());
  };
  Status sealed = seal();
  if (!sealed.ok()) Undo(manifest.name).IgnoreError();  // it may fill the disk
  return sealed;
}

Status LocalStore::Undo(const std::string& name) {
  ASSIGN_OR_RETURN(const bool sealed, Has(name));
  if (sealed) return Unseal(name);
  return RemoveUnsealed(name);
}

Status LocalStore::Unseal(const std::string& name) {
  RETURN_IF_ERROR(context_.fs.Rename(ManifestPath(name), dir_->unsealed(name)));
  return RemoveUnsealed(name);
}

// Each step only if the one before will last: else a power loss could bring back the manifest
// alone, or the file alone.
Status LocalStore::RemoveUnsealed(const std::string& name) {
  RETURN_IF_ERROR(context_.fs.SyncDir(path()));
  const Status removed = context_.fs.Unlink(SnapshotPath(name));
  if (!removed.ok() && ReasonOf(removed) != Reason::kNotFound) return removed;
  RETURN_IF_ERROR(context_.fs.SyncDir(path()));
  // It is deleted. What stays of these two, the next sweep removes.
  context_.fs.Unlink(ChecksPath(name)).IgnoreError();  // there may be none
  context_.fs.Unlink(dir_->unsealed(name)).IgnoreError();
  return OkStatus();
}

Result<bool> LocalStore::Has(const std::string& name) const {
  return context_.fs.IsThere(ManifestPath(name));
}

std::string LocalStore::ChecksPath(std::string_view name) const {
  return JoinPath(dir_->checks(), fmt::format("{}.json", name));
}

Result<Manifest> LocalStore::ReadManifest(std::string_view name) const {
  return ReadManifestOf(context_.fs, SnapshotPath(name));
}

// As far as it shows without reading it.
Status LocalStore::CheckFile(const Manifest& manifest) const {
  const std::string path = SnapshotPath(manifest.name);
  ASSIGN_OR_RETURN(const FileInfo file, context_.fs.Stat(path));
  if (file.size == manifest.size_bytes) return OkStatus();
  return Error(Reason::kDamaged, "{}: the snapshot has {} bytes, but {} were stored", path,
               file.size, manifest.size_bytes);
}

Result<Listing> LocalStore::List() const {
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const auto files, context_.fs.List(path()));
  ASSIGN_OR_RETURN(const auto checked, context_.fs.List(dir_->checks()));
  Listing listing;
  for (const std::string& file : files) {
    if (IsRecord(file) && file != kStateFile && file != kSuspectsFile)
      listing.manifests.push_back(StemOf(file));
    if (file.ends_with(".db")) listing.files.insert(StemOf(file));
  }
  for (const std::string& file : checked) {
    if (IsRecord(file)) listing.checks.insert(StemOf(file));
  }
  for (std::string& name : unkept_.ChecksNames()) {
    listing.checks.insert(name);
    listing.unkept.insert(std::move(name));
  }
  listing.unproven = UnprovenIn(files);
  return listing;
}

Result<std::vector<LostManifest>> LocalStore::FindLost(
    const std::vector<std::string>& unproven) const {
  std::vector<LostManifest> found;
  for (const std::string& name : unproven) {
    RETURN_IF_ERROR(context_.CheckStop());
    ASSIGN_OR_RETURN(const bool lost, IsLost(name));
    if (!lost) continue;
    const std::string path = SnapshotPath(name);
    Status why = Error(
        Reason::kNotProvable,
        "{}: no manifest: {}.json is missing next to the snapshot. The snapshot was copied here by "
        "hand, or the manifest was deleted. Put the manifest back, or move the snapshot elsewhere",
        path, name);
    TellOf(path, "manifest missing", {{"err", MessageOf(why)}});
    found.push_back({name, std::move(why)});
  }
  return found;
}

// Others may seal it or delete it meanwhile: its record goes from the one name to the other, or
// back, then both the file and the record go. So three looks at the two names miss none.
Result<bool> LocalStore::IsLost(const std::string& name) const {
  for (const std::string& record :
       {dir_->unsealed(name), ManifestPath(name), dir_->unsealed(name)}) {
    ASSIGN_OR_RETURN(const bool there, context_.fs.IsThere(record));
    if (there) return false;
  }
  const auto file = context_.fs.Stat(SnapshotPath(name));
  return file.ok() ? file->kind == FileInfo::Kind::kFile
                   : ReasonOf(file.status()) != Reason::kNotFound;
}

// Empty if there is none.
Result<std::string> LocalStore::ReadChecksText(const std::string& name) const {
  auto text = context_.fs.ReadWhole(ChecksPath(name), kJsonBytesMax);
  if (Is(text, Reason::kNotFound)) return "";
  if (text.ok() && text->empty())
    return Error(Reason::kDamaged, "{}: the file is empty", ChecksPath(name));
  return text;
}

Result<Checks> LocalStore::ReadChecks(const std::string& name) const {
  return ChecksOf(name, ReadChecksText(name));
}

// Those of nobody if there is no record, kDamaged if it is none.
Result<Checks> LocalStore::ChecksOf(const std::string& name,
                                    const Result<std::string>& text) const {
  if (const auto unkept = unkept_.FindChecks(name, text)) return *unkept;
  RETURN_IF_ERROR(text.status());
  if (text->empty()) return Checks{};
  auto checks = ParseChecks(*text);
  if (!checks.ok()) return Annotate(checks.status(), ChecksPath(name));
  return checks;
}

Status LocalStore::UpdateChecks(const std::string& name, const std::function<void(Checks&)>& change,
                                IfRefused if_refused) {
  const std::lock_guard one_by_one(checks_mutex_);  // or what another thread found could be lost
  Status kept = WriteChecks(name, change);
  if (kept.ok() || Is(kept, Reason::kNotFound)) {
    unkept_.RemoveChecks(name);
  } else if (if_refused == IfRefused::kCount) {
    const auto text = ReadChecksText(name);
    auto checks = ChecksOf(name, text);
    // Nobody knows what it says. It counts for nothing, and its snapshot is due for the scrub
    // again.
    if (!text.ok() || !checks.ok()) return kept;
    change(*checks);
    unkept_.AddChecks(name, *text, *std::move(checks), kept);
  }
  return kept;
}

Status LocalStore::WriteChecks(const std::string& name,
                               const std::function<void(Checks&)>& change) {
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const auto lock, dir_->LockChecks());
  ASSIGN_OR_RETURN(const bool there, Has(name));
  if (!there) return Error(Reason::kNotFound, "snapshot {} no longer exists", name);
  const auto text = ReadChecksText(name);
  if (!text.ok() && ReasonOf(text.status()) != Reason::kDamaged) return text.status();
  Checks checks = ChecksOf(name, text).value_or(Checks{});
  change(checks);
  return WriteFileDurably(context_.fs, ChecksPath(name), Dump(ToJson(checks)) + "\n");
}

std::string LocalStore::SuspectsPath() const { return JoinPath(path(), kSuspectsFile); }

Result<std::optional<std::vector<Suspect>>> LocalStore::Suspects() const {
  RETURN_IF_ERROR(dir_->Attend());
  const auto text = context_.fs.ReadWhole(SuspectsPath(), kJsonBytesMax);
  if (Is(text, Reason::kNotFound)) return std::nullopt;
  auto suspects = text.ok() ? ParseSuspects(*text) : text.status();
  if (suspects.ok()) return std::optional(*std::move(suspects));
  const Status problem = Annotate(suspects.status(), SuspectsPath());
  TellOf(SuspectsPath(), "suspect record unreadable", {{"err", MessageOf(problem)}});
  return problem;
}

Status LocalStore::UpdateSuspects(const std::function<void(std::vector<Suspect>&)>& change) {
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const auto lock, dir_->LockChecks());
  const auto before = Suspects();
  // What is no record any more is written anew once there is something to write.
  if (!before.ok() && ReasonOf(before.status()) != Reason::kDamaged) return before.status();
  const std::vector<Suspect> kept = before.value_or(std::nullopt).value_or(std::vector<Suspect>());
  std::vector<Suspect> after = kept;
  change(after);
  if (after == kept) return OkStatus();
  return WriteFileDurably(context_.fs, SuspectsPath(), Dump(ToJson(after)) + "\n");
}

Result<std::unique_ptr<FileLock>> LocalStore::Use(const std::string& name) const {
  auto lock = context_.fs.LockExisting(SnapshotPath(name), LockMode::kShared);
  const bool goes = Is(lock, Reason::kBusy);
  const auto there = Has(name);
  if (goes || (there.ok() && !*there)) {
    return Error(Reason::kNotFound, "snapshot {} no longer exists", name);
  }
  return lock.ok() ? *std::move(lock) : nullptr;  // whoever reads it will say what is wrong
}

Status LocalStore::Delete(const std::string& name) {
  RETURN_IF_ERROR(dir_->Attend());
  const auto unused = context_.fs.LockExisting(SnapshotPath(name));
  if (Is(unused, Reason::kBusy)) {
    return Error(Reason::kBusy, "delete snapshot {}: the snapshot is in use. Try again later",
                 name);
  }
  if (!unused.ok() && ReasonOf(unused.status()) != Reason::kNotFound) return unused.status();
  ASSIGN_OR_RETURN(const auto lock, dir_->LockChecks());
  return Unseal(name);
}

Status LocalStore::AddDrillReport(std::string_view snapshot, WallTime finished,
                                  const MakeReport& make, IfRefused if_refused) {
  const NewReport report{std::string(snapshot), finished, make};
  Status kept = WriteReports(&report);
  if (!kept.ok() && if_refused == IfRefused::kCount) unkept_.AddReport(report, kept);
  return kept;
}

// Those that were not kept go first, in their order.
Status LocalStore::WriteReports(const NewReport* newest) {
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const auto lock, dir_->LockDrills());
  for (const NewReport& report : unkept_.Reports()) {
    RETURN_IF_ERROR(AppendReport(report));
    unkept_.RemoveFirstReport();
  }
  return newest != nullptr ? AppendReport(*newest) : OkStatus();
}

// For who holds the lock.
Status LocalStore::AppendReport(const NewReport& report) {
  ASSIGN_OR_RETURN(const std::vector<DrillFile> earlier, StoredReports());
  const auto previous = Last(earlier);
  WallTime finished = TimeAfter(previous, report.finished);
  std::string path;
  for (bool taken = true; taken; finished += std::chrono::seconds(1)) {
    path = DrillPath(DrillName(report.snapshot, finished));
    ASSIGN_OR_RETURN(taken, context_.fs.IsThere(path));
  }
  // After an error it must not be there: it is written again, and would count twice.
  return WriteNewFileDurably(context_.fs, path, report.make(previous));
}

void LocalStore::WriteUnkept() {
  if (unkept().empty()) return;
  for (const std::string& name : unkept_.ChecksNames()) {
    UpdateChecks(name, [](Checks&) {}).IgnoreError();  // why not stays as it was told
  }
  WriteReports(nullptr).IgnoreError();
  if (unkept().empty()) context_.log.Info("pending store writes completed", {});
}

Result<std::unique_ptr<DrillMark>> LocalStore::MarkDrill(const std::string& text) const {
  RETURN_IF_ERROR(dir_->Attend());
  return DrillMark::Leave(context_, dir_->drills(), text);
}

Status LocalStore::TakeDeadDrills(
    const std::function<Status(const std::string& text)>& tell) const {
  return TakeDeadMarks(context_, dir_->drills(), tell);
}

std::string LocalStore::DrillPath(std::string_view name) const {
  return JoinPath(dir_->drills(), fmt::format("{}.json", name));
}

Result<std::vector<std::string>> LocalStore::DrillNames() const {
  RETURN_IF_ERROR(dir_->Attend());
  ASSIGN_OR_RETURN(const auto files, context_.fs.List(dir_->drills()));
  std::vector<std::string> names;
  for (const std::string& file : files) {
    if (IsRecord(file)) names.push_back(StemOf(file));
  }
  std::ranges::stable_sort(names, {}, TimeOfDrillName);
  return names;
}

DrillFile LocalStore::ReadDrill(const std::string& name) const {
  const auto json = context_.fs.ReadWhole(DrillPath(name), kJsonBytesMax);
  if (!json.ok()) return {.name = name, .problem = json.status()};
  return {.name = name, .json = *json, .previous = PreviousDrill(*json)};
}

Result<std::vector<DrillFile>> LocalStore::DrillReports() const {
  ASSIGN_OR_RETURN(std::vector<DrillFile> drills, StoredReports());
  for (DrillFile& report : UnkeptReports(Last(drills))) drills.push_back(std::move(report));
  return drills;
}

std::vector<DrillFile> LocalStore::UnkeptReports(std::optional<DrillFile> last) const {
  std::vector<DrillFile> drills;
  for (const NewReport& report : unkept_.Reports()) {
    const WallTime finished = TimeAfter(last, report.finished);
    last = DrillFile{DrillName(report.snapshot, finished), report.make(last)};
    drills.push_back(*last);
  }
  return drills;
}

Result<std::vector<DrillFile>> LocalStore::StoredReports() const {
  ASSIGN_OR_RETURN(const auto names, DrillNames());
  std::vector<DrillFile> drills;
  for (const std::string& name : names) {
    RETURN_IF_ERROR(context_.CheckStop());
    DrillFile drill = ReadDrill(name);
    if (Is(drill.problem, Reason::kNotFound)) continue;
    if (!drill.problem.ok())
      TellOf(DrillPath(name), "drill report unreadable", {{"err", MessageOf(drill.problem)}});
    drills.push_back(std::move(drill));
  }
  return InOrderOfWriting(std::move(drills));
}

void LocalStore::TellOf(const std::string& path, std::string_view what,
                        Logger::Fields fields) const {
  if (told_.IsNews(context_.fs, path)) context_.log.Warn(what, fields);
}

}  // namespace etcdrill::store
