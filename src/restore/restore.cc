// The layout of a data directory, as etcd and its tools make it:
//   DATA/member/snap/db, DATA/member/snap/TERM-INDEX.snap, DATA/member/wal/SEQUENCE-INDEX.wal
#include "restore/restore.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "format/wal/wal.h"
#include "restore/database.h"

namespace etcdrill::restore {
namespace {

using Json = nlohmann::ordered_json;

// A node of the v2 store; `content` is its Value (a leaf) or its Children (a directory).
Json Node(std::string_view path, uint64_t index, Json value, Json children) {
  return {{"Path", path},
          {"CreatedIndex", index},
          {"ModifiedIndex", index},
          {"ExpireTime", "0001-01-01T00:00:00Z"},
          {"Value", std::move(value)},
          {"Children", std::move(children)}};
}

// The smallest v2 store document that etcd 3.4 to 3.6 reads the members from (formats.md 6.5).
std::string V2Store(const NewCluster& cluster) {
  Json members = Json::object();
  uint64_t index = 0;
  for (const NewMember& member : cluster.members) {
    const std::string id = fmt::format("{:x}", member.id);
    const std::string path = "/0/members/" + id;
    ++index;
    Json attributes = Node(path + "/raftAttributes", index, Json{{"peerURLs", member.peer_urls}}.dump(), nullptr);
    members[id] = Node(path, index, "", {{"raftAttributes", std::move(attributes)}});
  }
  Json cluster_dir = Node("/0", 0, "", {{"members", Node("/0/members", 1, "", std::move(members))}});
  Json root = Node("/", 0, "", {{"0", std::move(cluster_dir)}, {"1", Node("/1", 0, "", Json::object())}});
  return Json{{"Root", std::move(root)}, {"CurrentIndex", index}, {"CurrentVersion", 2}}.dump();
}

wal::InitialCluster ToInitialCluster(const NewCluster& cluster) {
  wal::InitialCluster initial{cluster.id, cluster.own_id, {}};
  for (const NewMember& member : cluster.members) initial.members.push_back({member.id, member.ToJson()});
  return initial;
}

Status WriteFile(FileSystem& fs, const std::string& path, std::string_view bytes, uint64_t allocate, bool sync) {
  ASSIGN_OR_RETURN(const auto file, fs.Create(path, kPrivateFileMode));
  if (allocate > 0) RETURN_IF_ERROR(file->Allocate(allocate));
  RETURN_IF_ERROR(file->WriteAt(0, bytes));
  return sync ? file->Sync() : OkStatus();
}

// Writes the whole directory at `dir`, which must not exist.
Result<RestoreResult> Build(FileSystem& fs, const RestoreOptions& options, const NewCluster& cluster,
                            const std::string& dir) {
  const std::string member = JoinPath(dir, "member");
  const std::string snap = JoinPath(member, "snap");
  const std::string wal_dir = JoinPath(member, "wal");
  RETURN_IF_ERROR(fs.MakeDirs(snap, kPrivateDirMode));
  RETURN_IF_ERROR(fs.MakeDirs(wal_dir, kPrivateDirMode));

  RestoreResult result{cluster.id, cluster.own_id, 0};
  ASSIGN_OR_RETURN(const auto snapshot, fs.OpenForReading(options.snapshot));
  ASSIGN_OR_RETURN(result.db_bytes,
                   WriteDatabase(fs, *snapshot, JoinPath(snap, "db"), cluster, options.drop_auth, options.sync));
  const wal::InitialCluster initial = ToInitialCluster(cluster);
  RETURN_IF_ERROR(WriteFile(fs, JoinPath(wal_dir, wal::kFirstSegmentName), wal::FirstSegment(initial),
                            wal::kSegmentBytes, options.sync));
  RETURN_IF_ERROR(WriteFile(fs, JoinPath(snap, wal::FirstSnapshotName(initial)),
                            wal::FirstSnapshotFile(initial, V2Store(cluster)), 0, options.sync));
  if (options.sync) {
    for (const std::string& path : {snap, wal_dir, member, dir}) RETURN_IF_ERROR(fs.SyncDir(path));
  }
  return result;
}

Status CheckTarget(FileSystem& fs, const std::string& data_dir) {
  if (!fs.Exists(data_dir)) return OkStatus();
  ASSIGN_OR_RETURN(const auto names, fs.List(data_dir));
  if (names.empty()) return OkStatus();
  return Error(
      Reason::kAlreadyExists,
      fmt::format("restore to {}: the directory exists and is not empty; name another --data-dir, or move it away",
                  data_dir));
}

}  // namespace

Result<RestoreResult> Restore(const Context& context, const RestoreOptions& options) {
  FileSystem& fs = context.fs;
  ASSIGN_OR_RETURN(const NewCluster cluster, MakeCluster(options.membership));
  RETURN_IF_ERROR(CheckTarget(fs, options.data_dir));
  const std::string parent = DirName(options.data_dir);
  const std::string temp =
      JoinPath(parent, fmt::format(".{}.restoring-{:016x}", BaseName(options.data_dir), context.random.Next()));
  RETURN_IF_ERROR(fs.MakeDirs(parent, kPrivateDirMode));
  Result<RestoreResult> result = Build(fs, options, cluster, temp);
  // rename(2) replaces an empty directory, so the target is never missing in between.
  Status finished = result.ok() ? fs.Rename(temp, options.data_dir) : result.status();
  if (finished.ok() && options.sync) finished = fs.SyncDir(parent);
  if (!finished.ok()) {
    fs.RemoveAll(temp).IgnoreError();  // what can't be removed is named in the error's path
    return Annotate(finished, fmt::format("restore {} to {}", options.snapshot, options.data_dir));
  }
  return result;
}

}  // namespace etcdrill::restore
