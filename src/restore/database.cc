// What must change (formats.md 6.2, 6.6): members and members_removed, or etcd 3.6+ adopts the dead cluster;
// consistent_index and term, or the member looks healthy and every write times out; confState, which etcdutl leaves
// stale. Everything else, key, lease, alarm and auth included, stays as it was.
#include "restore/database.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "format/bbolt/tree.h"
#include "format/bbolt/writer.h"
#include "format/mvcc/buckets.h"
#include "format/snapshot/trailer.h"

namespace etcdrill::restore {
namespace {

class Collector final : public bbolt::PairVisitor {
 public:
  void OnBucket(std::string_view) override {}
  void OnPair(const bbolt::Pair& pair) override { content[std::string(pair.key)] = std::string(pair.value); }
  bbolt::BucketContent content;
};

struct Database {
  const ReadableFile& file;
  uint64_t body = 0;
  bbolt::Meta meta;
};

Result<bbolt::BucketContent> ReadBucket(const Database& db, std::string_view name) {
  Collector collector;
  RETURN_IF_ERROR(bbolt::WalkBucket(db.file, db.body, db.meta, name, {}, bbolt::Direction::kForwards, collector));
  return std::move(collector.content);
}

std::string ConfState(const NewCluster& cluster) {
  nlohmann::ordered_json voters = nlohmann::ordered_json::array();
  for (const NewMember& member : cluster.members) voters.push_back(member.id);
  return nlohmann::ordered_json{{"voters", voters}, {"auto_leave", false}}.dump();
}

// 3.4 knows neither term nor confState; it ignores them, but a file of its own shall look as it would write it.
bool WrittenBefore35(const bbolt::BucketContent& meta) { return !meta.contains(std::string(mvcc::kTermKey)); }

Result<std::map<std::string, bbolt::BucketContent>> ChangedBuckets(const Database& db, const NewCluster& cluster,
                                                                   bool drop_auth) {
  std::map<std::string, bbolt::BucketContent> buckets;
  ASSIGN_OR_RETURN(bbolt::BucketContent meta, ReadBucket(db, mvcc::kMetaBucket));
  std::string index;
  AppendBE64(index, cluster.members.size());
  meta[std::string(mvcc::kConsistentIndexKey)] = index;
  if (!WrittenBefore35(meta)) {
    std::string term;
    AppendBE64(term, 1);
    meta[std::string(mvcc::kTermKey)] = term;
    meta[std::string(mvcc::kConfStateKey)] = ConfState(cluster);
  }
  buckets[std::string(mvcc::kMetaBucket)] = std::move(meta);

  bbolt::BucketContent& members = buckets[std::string(mvcc::kMembersBucket)];
  for (const NewMember& member : cluster.members) members[fmt::format("{:x}", member.id)] = member.ToJson();
  buckets[std::string(mvcc::kMembersRemovedBucket)] = {};

  if (drop_auth) {
    ASSIGN_OR_RETURN(bbolt::BucketContent auth, ReadBucket(db, mvcc::kAuthBucket));
    auth[std::string(mvcc::kAuthEnabledKey)] = std::string(1, '\0');
    buckets[std::string(mvcc::kAuthBucket)] = std::move(auth);
  }
  return buckets;
}

}  // namespace

Result<uint64_t> WriteDatabase(FileSystem& fs, const ReadableFile& snapshot, const std::string& target,
                               const NewCluster& cluster, bool drop_auth, bool sync) {
  Database db{snapshot, snapshot::BodySize(snapshot.Size()), {}};
  Findings findings;
  ASSIGN_OR_RETURN(const auto meta, bbolt::ReadMetas(snapshot, db.body, findings));
  if (!meta.has_value()) return Error(Reason::kDamaged, findings.kept().front().text);
  db.meta = *meta;
  const uint64_t pages = db.body / db.meta.page_size;
  if (db.meta.high_water > pages) {
    return Error(Reason::kDamaged, fmt::format("the file holds {} pages, {} are in use", pages, db.meta.high_water));
  }
  ASSIGN_OR_RETURN(const auto buckets, ChangedBuckets(db, cluster, drop_auth));
  ASSIGN_OR_RETURN(const auto file, fs.Create(target, kPrivateFileMode));
  RETURN_IF_ERROR(file->AppendFrom(snapshot, db.meta.high_water * db.meta.page_size));
  RETURN_IF_ERROR(bbolt::ReplaceBuckets(snapshot, db.body, db.meta, buckets, *file));
  if (sync) RETURN_IF_ERROR(file->Sync());
  ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(target));
  return info.size;
}

}  // namespace etcdrill::restore
