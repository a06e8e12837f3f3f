// Names and times are claims: whichever says that the snapshot is older is believed, and none that
// lies in the future.
#include "pipeline/foreign_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <tuple>

#include "store/names.h"

namespace etcdrill::pipeline {
namespace {

// What etcdctl, cp and others call a file while they write it.
bool IsUnfinished(std::string_view name) {
  return name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp");
}

// For the order of files: the greater is the younger.
auto AgeOf(const ForeignFile& file, WallTime now) {
  return std::tuple(TakenAt(file, now), file.info.modified, file.info.changed);
}

auto SecondOf(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

// A time in the future says nothing; when the file came here our own system knows.
WallTime TakenAt(const ForeignFile& file, WallTime now, std::optional<int64_t> revision) {
  const WallTime claimed = store::TakenAt(BaseName(file.path), file.info.modified, revision);
  return IsFuture(claimed, now) ? std::min(now, file.info.changed) : std::min(now, claimed);
}

bool AdoptedFiles::Has(const ForeignFile& file) const {
  return std::ranges::any_of(files, [&](const AdoptedRecord& record) {
    return record.path == file.path && record.size_bytes == file.info.size &&
           record.modified == SecondOf(file.info.modified);
  });
}

AdoptedFiles AdoptedOf(const catalog::Catalog& catalog, WallTime now) {
  AdoptedFiles adopted;
  const auto raise = [&](std::optional<WallTime>& newest, WallTime time) {
    if (!IsFuture(time, now)) newest = std::max(newest, std::optional(time));
  };
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    if (!entry.manifest.adopted.has_value()) continue;
    adopted.files.push_back(*entry.manifest.adopted);
    if (!entry.Counts() || entry.manifest.verdict == Verdict::kDamaged) continue;
    raise(adopted.taken, entry.manifest.taken);
    raise(adopted.changed, entry.manifest.adopted->changed);
  }
  return adopted;
}

// Asked at each look, as a link can be made at any time.
bool ForeignFiles::LeadsToOwn(const std::string& pattern) {
  const auto dir = context_.fs.Stat(DirName(pattern));
  const auto own = context_.fs.Stat(own_dir_);
  if (!dir.ok() || !own.ok() || dir->device != own->device || dir->inode != own->inode)
    return false;
  if (told_own_.insert(pattern).second) {
    context_.log.Error("adopt pattern ignored",
                       {{"adopt", pattern},
                        {"store", own_dir_},
                        {"hint", "it is inside the store; use the directory of the other job"}});
  }
  return true;
}

void ForeignFiles::Look(const std::string& pattern, std::map<std::string, Seen>& seen) {
  if (LeadsToOwn(pattern)) return;
  const std::string dir = DirName(pattern);
  const auto names = context_.fs.List(dir);
  if (!names.ok()) {  // it may come
    if (told_unreadable_.insert(pattern).second)
      context_.log.Warn("adopt directory unreadable", {{"err", MessageOf(names.status())}});
    return;
  }
  told_unreadable_.erase(pattern);
  for (const std::string& name : *names) {
    if (IsUnfinished(name) || fnmatch(BaseName(pattern).c_str(), name.c_str(), FNM_PERIOD) != 0)
      continue;
    const std::string path = JoinPath(dir, name);
    const auto info = context_.fs.Stat(path);
    if (!info.ok() || info->kind != FileInfo::Kind::kFile || info->size == 0) continue;
    const auto before = seen_.find(path);
    const bool same = before != seen_.end() && before->second.file.info.IsSameFile(*info);
    seen[path] = same ? before->second : Seen{{path, *info}, context_.clock.Monotonic(), !looked_};
  }
}

// Of what lay there at the first look, which may be years of backups.
bool ForeignFiles::IsOfBefore(const Seen& candidate, const AdoptedFiles& adopted) const {
  if (!candidate.at_first_look || !adopted.taken.has_value()) return false;
  const bool younger = SecondOf(TakenAt(candidate.file, context_.clock.Now())) > *adopted.taken;
  // A writer whose clock lags gives old times to new files; the time of change is our own system's.
  const bool came_later =
      adopted.changed > WallTime() && SecondOf(candidate.file.info.changed) > *adopted.changed;
  return !younger && !came_later;
}

bool ForeignFiles::IsWaiting(const Seen& candidate) const {
  return !candidate.done && context_.clock.Monotonic() - candidate.since >= quiet_;
}

std::optional<ForeignFile> ForeignFiles::FindNew(const AdoptedFiles& adopted) {
  std::map<std::string, Seen> seen;
  for (const std::string& pattern : patterns_) Look(pattern, seen);
  seen_ = std::move(seen);
  looked_ = true;
  const WallTime now = context_.clock.Now();
  const Seen* newest = nullptr;
  std::vector<std::string> of_before;
  for (auto& [path, candidate] : seen_) {
    if (!IsWaiting(candidate)) continue;
    if (candidate.at_first_look && adopted.Has(candidate.file)) {
      candidate.done = true;
    } else if (IsOfBefore(candidate, adopted)) {
      candidate.done = true;
      of_before.push_back(path);
    } else if (newest == nullptr || AgeOf(newest->file, now) < AgeOf(candidate.file, now)) {
      newest = &candidate;
    }
  }
  TellPassedOver(of_before);
  return newest != nullptr ? std::optional(newest->file) : std::nullopt;
}

void ForeignFiles::TellPassedOver(const std::vector<std::string>& files) const {
  if (files.empty()) return;
  context_.log.Info("older files skipped", {{"files", files.size()}, {"file", files.back()}});
}

void ForeignFiles::Adopted(const ForeignFile& file, WallTime taken) {
  Done(file);
  const WallTime now = context_.clock.Now();
  std::vector<std::string> older;
  for (auto& [path, candidate] : seen_) {
    const bool younger = AgeOf(file, now) < AgeOf(candidate.file, now) ||
                         SecondOf(TakenAt(candidate.file, now)) > taken;
    if (!IsWaiting(candidate) || younger) continue;
    candidate.done = true;
    older.push_back(path);
  }
  TellPassedOver(older);
}

ForeignFiles::Seen* ForeignFiles::Find(const ForeignFile& file) {
  const auto at = seen_.find(file.path);
  return at != seen_.end() && at->second.file.info.IsSameFile(file.info) ? &at->second : nullptr;
}

void ForeignFiles::Done(const ForeignFile& file) {
  if (Seen* seen = Find(file)) seen->done = true;
}

void ForeignFiles::TryAgain(const ForeignFile& file) {
  if (Seen* seen = Find(file)) seen->since = context_.clock.Monotonic();
}

}  // namespace etcdrill::pipeline
