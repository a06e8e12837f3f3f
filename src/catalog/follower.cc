// What was read of a file stands until the file has another stamp.
#include "catalog/follower.h"

#include <algorithm>
#include <future>
#include <utility>

#include "store/manifest_file.h"

namespace etcdrill::catalog {
namespace {

// No file system's clock ticks more slowly. What changed a moment ago may change once more within
// the same tick, and the inode of the file that it replaced is free to be used again: then two
// files have one stamp.
constexpr Duration kTick = std::chrono::seconds(2);

// A disk that loses what it held changes no stamp.
constexpr Duration kReadAgain = std::chrono::hours(1);
constexpr Duration kLookAtAll = std::chrono::minutes(1);

bool IsYoung(const FileInfo& file, WallTime now) {
  return std::chrono::abs(now - file.changed) <= kTick;
}

template <typename Seen>
void ForgetAllButOf(uint64_t round, Seen& seen_by_name) {
  std::erase_if(seen_by_name, [&](const auto& seen) { return seen.second.round != round; });
}

}  // namespace

// An error that says nothing of what is in the file may be over the next time.
template <typename T, typename Read>
const Result<T>& Follower::Look(const Context& context, const std::string& path, Seen<T>& seen,
                                const Read& read) const {
  seen.round = round_;
  const auto file = context.fs.Stat(path);
  const MonotonicTime now = context.clock.Monotonic();
  const bool same = file.ok() && seen.stamp.has_value() && seen.stamp->IsSameFile(*file);
  if (same && now - seen.read_at < kReadAgain &&
      (seen.content.ok() || Is(seen.content, Reason::kDamaged)))
    return seen.content;
  seen.stamp.reset();
  if (file.ok() && !IsYoung(*file, context.clock.Now())) seen.stamp = *file;
  seen.read_at = now;
  seen.content = read();
  return seen.content;
}

Result<std::shared_ptr<const Catalog>> Follower::Refresh(const Context& context) {
  const std::lock_guard one_by_one(refreshing_);  // or an older answer could replace a newer one
  ++round_;
  directories_.reset();  // so that after an error all is looked at again
  auto directories = LookAtDirectories(context);
  read_at_ = MomentOf(context.clock);
  auto catalog = std::make_shared<Catalog>();
  // Two halves of the work, at the same time: a start has to be over within a second for ten
  // thousand snapshots.
  auto drills = std::async(std::launch::async, [&] { return ReadDrills(context); });
  const Status read = ReadSnapshots(context, *catalog);
  ASSIGN_OR_RETURN(catalog->drills, drills.get());
  RETURN_IF_ERROR(read);
  const auto& suspects =
      Look(context, store_.SuspectsPath(), suspects_, [&] { return store_.Suspects(); });
  catalog->suspects = suspects.value_or(std::nullopt);
  catalog->suspects_problem = MessageOf(suspects.status());
  catalog->unkept = store_.unkept();
  ForgetAllButOf(round_, manifests_);
  ForgetAllButOf(round_, checks_);
  ForgetAllButOf(round_, reports_);
  JudgeAll(*catalog, cluster_);
  if (catalog->unkept.empty()) directories_ = std::move(directories);
  const std::lock_guard lock(mutex_);
  if (catalog_ == nullptr || *catalog_ != *catalog) catalog_ = std::move(catalog);
  return catalog_;
}

Result<std::shared_ptr<const Catalog>> Follower::ReadWithoutDrills(const Context& context) {
  const std::lock_guard one_by_one(refreshing_);
  ++round_;
  auto catalog = std::make_shared<Catalog>();
  RETURN_IF_ERROR(ReadSnapshots(context, *catalog));
  JudgeAll(*catalog, cluster_);
  return catalog;
}

bool Follower::MayHaveChanged(const Context& context) {
  const std::lock_guard one_by_one(refreshing_);
  const auto directories = LookAtDirectories(context);
  const Moment now = MomentOf(context.clock);
  const bool same =
      directories.has_value() && directories_.has_value() &&
      std::ranges::equal(*directories, *directories_,
                         [](const FileInfo& a, const FileInfo& b) { return a.IsSameFile(b); });
  return !same || WasSet(read_at_, now) || now.monotonic - read_at_.monotonic > kLookAtAll;
}

// One that changed just now may change once more within the same tick.
std::optional<Follower::Directories> Follower::LookAtDirectories(const Context& context) const {
  Directories directories;
  for (const std::string& path : store_.Directories()) {
    const auto directory = context.fs.Stat(path);
    if (!directory.ok() || IsYoung(*directory, context.clock.Now())) return std::nullopt;
    directories.push_back(*directory);
  }
  return directories;
}

std::shared_ptr<const Catalog> Follower::Now() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

// A file that goes meanwhile is no error.
Status Follower::ReadSnapshots(const Context& context, Catalog& catalog) {
  ASSIGN_OR_RETURN(const store::Listing listing, store_.List());
  for (const std::string& name : listing.manifests) {
    RETURN_IF_ERROR(context.CheckStop());
    const std::string path = store_.ManifestPath(name);
    const Result<Manifest>& manifest =
        Look(context, path, manifests_[name], [&] { return store_.ReadManifest(name); });
    if (!manifest.ok()) {
      if (Is(manifest, Reason::kNotFound)) continue;
      store_.TellOf(path, "manifest unreadable", {{"err", MessageOf(manifest.status())}});
      if (listing.files.contains(name)) catalog.lost.push_back({name, manifest.status()});
      continue;
    }
    const Status problem = store_.CheckFile(*manifest);
    if (!problem.ok()) {
      ASSIGN_OR_RETURN(const bool stays, store_.Has(name));
      if (!stays) continue;  // retention was faster
    }
    catalog.snapshots.push_back(EntryOf(*manifest, LookAtChecks(context, listing, name), problem));
  }
  ASSIGN_OR_RETURN(const auto lost, store_.FindLost(listing.unproven));
  catalog.lost.insert(catalog.lost.end(), lost.begin(), lost.end());
  std::ranges::stable_sort(
      catalog.snapshots, [now = context.clock.Now()](const CatalogEntry& a, const CatalogEntry& b) {
        return store::IsOlder(a.manifest, b.manifest, now);
      });
  return OkStatus();
}

Result<Checks> Follower::LookAtChecks(const Context& context, const store::Listing& listing,
                                      const std::string& name) {
  if (!listing.checks.contains(name)) return Checks{};
  const std::string path = store_.ChecksPath(name);
  const auto read = [&] { return store_.ReadChecks(name); };
  const bool unkept = listing.unkept.contains(name);  // then the file's stamp says nothing
  if (unkept) checks_.erase(name);
  const Result<Checks> checks = unkept ? read() : Look(context, path, checks_[name], read);
  if (!checks.ok()) {
    store_.TellOf(path, "check record unreadable", {{"err", MessageOf(checks.status())}});
  }
  return checks;
}

Result<std::vector<DrillSummary>> Follower::ReadDrills(const Context& context) {
  ASSIGN_OR_RETURN(const auto names, store_.DrillNames());
  std::vector<store::DrillFile> files;  // without their JSON
  for (const std::string& name : names) {
    RETURN_IF_ERROR(context.CheckStop());
    const auto read = [&]() -> Result<Report> {
      const store::DrillFile file = store_.ReadDrill(name);
      RETURN_IF_ERROR(file.problem);
      return Report{file.previous, Summarize(file)};
    };
    const Result<Report>& report = Look(context, store_.DrillPath(name), reports_[name], read);
    if (Is(report, Reason::kNotFound)) continue;
    files.push_back({.name = name, .problem = report.status()});
    if (report.ok()) files.back().previous = report->previous;
  }
  files = store::InOrderOfWriting(std::move(files));
  std::vector<DrillSummary> drills;
  const auto add = [&](std::optional<DrillSummary> drill) {
    if (drill.has_value()) drills.push_back(*std::move(drill));
  };
  for (const store::DrillFile& file : files)
    add(file.problem.ok() ? reports_[file.name].content->drill : Summarize(file));
  if (store_.unkept().empty()) return drills;
  auto last = files.empty() ? std::nullopt : std::optional(store_.ReadDrill(files.back().name));
  for (const store::DrillFile& file : store_.UnkeptReports(std::move(last))) add(Summarize(file));
  return drills;
}

std::optional<DrillSummary> Follower::Summarize(const store::DrillFile& file) const {
  auto drill = file.problem.ok() ? ParseDrillSummary(file.json) : file.problem;
  if (drill.ok()) {
    if (!drill->site.empty()) return std::nullopt;  // a copy elsewhere proves nothing of the store
    drill->name = file.name;
    return *std::move(drill);
  }
  store_.TellOf(store_.DrillPath(file.name), "drill report unreadable",
                {{"drill", file.name}, {"err", MessageOf(drill.status())}});
  return LostDrill(file.name, drill.status());
}

Result<Catalog> ReadCatalog(const Context& context, const store::LocalStore& store,
                            std::string_view cluster) {
  Follower follower(store, std::string(cluster));
  ASSIGN_OR_RETURN(const auto catalog, follower.Refresh(context));
  return *catalog;
}

}  // namespace etcdrill::catalog
