// The layout of a data directory, as etcd and its tools make it:
//   DATA/member/snap/db, DATA/member/snap/TERM-INDEX.snap, DATA/member/wal/SEQUENCE-INDEX.wal
// A WAL directory elsewhere is renamed before the data directory: without the latter nothing looks
// restored, but on a database without its WAL etcd serves reads, says that it is healthy, and never
// writes (docs/dev/formats.md §6.6).
#include "restore/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <optional>

#include "base/units.h"
#include "format/wal/wal.h"
#include "restore/membership.h"
#include "restore/staged_dir.h"

namespace etcdrill::restore {
namespace {

constexpr std::string_view kMemberDir = "member";

// For what is written besides the copy of the database: a few pages, the .snap file, directories.
constexpr uint64_t kSmallChangeBytes = uint64_t{1} << 20;

struct Paths {
  std::string member;
  std::string snap;
  std::string wal;
};

// Resolved: what is compared later may have been given as two spellings of one place.
Result<Paths> PathsOf(FileSystem& fs, const RestoreOptions& options) {
  const auto resolve = [&](std::string_view flag, const std::string& path) -> Result<std::string> {
    auto resolved = fs.Resolve(path);
    if (!resolved.ok()) return Annotate(resolved.status(), "--{} {}", flag, path);
    return resolved;
  };
  ASSIGN_OR_RETURN(const std::string data, resolve("data-dir", options.data_dir));
  const std::string member = JoinPath(data, kMemberDir);
  Paths paths{member, JoinPath(member, "snap"), JoinPath(member, "wal")};
  if (!options.wal_dir.empty()) {
    ASSIGN_OR_RETURN(paths.wal, resolve("wal-dir", options.wal_dir));
  }
  return paths;
}

Status CheckTargets(FileSystem& fs, const RestoreOptions& options, const Paths& paths) {
  const auto refuse = [](std::string_view flag, const std::string& path, std::string_view why) {
    return Error(Reason::kAlreadyExists, "--{} {} {}. Use another path, or move it away", flag,
                 path, why);
  };
  if (!options.wal_dir.empty()) {
    ASSIGN_OR_RETURN(const bool wal_there, fs.IsThere(paths.wal));
    if (wal_there) return refuse("wal-dir", options.wal_dir, "exists");
  }
  const std::string data_dir = DirName(paths.member);
  ASSIGN_OR_RETURN(const bool data_there, fs.IsThere(data_dir));
  if (!data_there) return OkStatus();
  ASSIGN_OR_RETURN(const auto names, fs.List(data_dir));
  const bool empty = std::ranges::all_of(names, [](const std::string& name) {
    return name.starts_with(StagedDir::PrefixFor(kMemberDir));  // of a killed restore: to be swept
  });
  return empty ? OkStatus()
               : refuse("data-dir", options.data_dir,
                        fmt::format("is not empty: found {}", names.front()));
}

Status CheckSpace(FileSystem& fs, const std::string& target, uint64_t needed) {
  ASSIGN_OR_RETURN(const std::string parent, StagingParent(fs, target));
  ASSIGN_OR_RETURN(const SpaceInfo space, fs.Space(parent));
  if (space.available_bytes >= needed) return OkStatus();
  return Error(Reason::kNoSpace,
               "{} needs {}, but the file system has {} free. Free space or use another directory",
               target, FormatSize(needed), FormatSize(space.available_bytes));
}

wal::InitialCluster ToInitialCluster(const NewCluster& cluster) {
  wal::InitialCluster initial{cluster.id, cluster.own_id, {}};
  for (const NewMember& member : cluster.members)
    initial.members.push_back({member.id, member.ToJson()});
  return initial;
}

Status WriteFile(FileSystem& fs, const std::string& path, std::string_view bytes, uint64_t allocate,
                 bool sync) {
  ASSIGN_OR_RETURN(const auto file, fs.Create(path, kPrivateFileMode));
  if (allocate > 0) RETURN_IF_ERROR(file->Allocate(allocate));
  RETURN_IF_ERROR(file->WriteAt(0, bytes));
  return sync ? file->Sync() : OkStatus();
}

// Writes everything; `paths` are where it is staged.
Result<RestoreResult> Build(const Context& context, const RestoreOptions& options,
                            const NewCluster& cluster, const snapshot::Image& snapshot,
                            const DatabasePlan& plan, const Paths& paths) {
  RETURN_IF_ERROR(context.fs.MakeDirs(paths.snap, kPrivateDirMode));
  RETURN_IF_ERROR(context.fs.MakeDirs(paths.wal, kPrivateDirMode));
  RestoreResult result{cluster.id, cluster.own_id, 0, plan.warnings};
  ASSIGN_OR_RETURN(result.db_bytes,
                   WriteDatabase(context, snapshot, plan, JoinPath(paths.snap, "db"), options.sync,
                                 options.on_progress));
  const wal::InitialCluster initial = ToInitialCluster(cluster);
  RETURN_IF_ERROR(WriteFile(context.fs, JoinPath(paths.wal, wal::kFirstSegmentName),
                            wal::FirstSegment(initial), wal::kSegmentBytes, options.sync));
  RETURN_IF_ERROR(WriteFile(context.fs, JoinPath(paths.snap, wal::FirstSnapshotName(initial)),
                            wal::FirstSnapshotFile(initial, V2StoreJson(cluster)), 0,
                            options.sync));
  return result;
}

Result<RestoreResult> RestoreWhole(const Context& context, const RestoreOptions& options) {
  FileSystem& fs = context.fs;
  ASSIGN_OR_RETURN(const NewCluster cluster, MakeCluster(options.membership));
  const snapshot::Image& snapshot = options.snapshot;
  ASSIGN_OR_RETURN(const DatabasePlan plan, PlanDatabase(snapshot, cluster, options.policy));
  ASSIGN_OR_RETURN(const Paths paths, PathsOf(fs, options));
  RETURN_IF_ERROR(CheckTargets(fs, options, paths));
  const bool wal_apart = !options.wal_dir.empty();
  RETURN_IF_ERROR(CheckSpace(
      fs, paths.member,
      plan.source.bytes_in_use() + kSmallChangeBytes + (wal_apart ? 0 : wal::kSegmentBytes)));
  if (wal_apart) RETURN_IF_ERROR(CheckSpace(fs, paths.wal, wal::kSegmentBytes));

  ASSIGN_OR_RETURN(StagedDir data, StagedDir::Create(context, paths.member));
  std::optional<StagedDir> wal;
  if (!data.Covers(paths.wal)) {
    ASSIGN_OR_RETURN(wal, StagedDir::Create(context, paths.wal));
  }
  const Paths staged = {data.PathOf(paths.member), data.PathOf(paths.snap),
                        (wal ? *wal : data).PathOf(paths.wal)};
  // Beside each other: the proof needs the processors, the copy the disk. A future's destructor
  // waits, too.
  std::future<Status> proof;
  if (options.proof) proof = std::async(std::launch::async, options.proof);
  Result<RestoreResult> result = Build(context, options, cluster, snapshot, plan, staged);
  if (options.proof) RETURN_IF_ERROR(proof.get());
  RETURN_IF_ERROR(result.status());
  if (wal) RETURN_IF_ERROR(wal->Commit(options.sync));
  const Status finished = data.Commit(options.sync);
  if (!finished.ok() && wal) wal->Revoke();
  RETURN_IF_ERROR(finished);
  return result;
}

}  // namespace

Result<RestoreResult> Restore(const Context& context, const RestoreOptions& options) {
  Result<RestoreResult> result = RestoreWhole(context, options);
  if (result.ok()) return result;
  return Annotate(result.status(), "restore {} to {}", options.snapshot.path(), options.data_dir);
}

}  // namespace etcdrill::restore
