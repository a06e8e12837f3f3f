// What must change (docs/dev/formats.md §6.2 and §6.6): members and members_removed, or etcd 3.6+
// adopts the dead cluster; consistent_index and term, or the member looks healthy and every write
// times out; confState, which etcdutl leaves stale. Everything else, key, lease, alarm and auth
// included, stays as it was, unless the policy says otherwise.
#include "restore/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "format/bbolt/database.h"
#include "format/etcd_version.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"
#include "format/mvcc/store_state.h"

namespace etcdrill::restore {
namespace {

constexpr int kMinorFirst = 4;
constexpr int kMinorLast = 7;

std::string ValueAt(const bbolt::BucketContent& bucket, std::string_view key) {
  const auto found = bucket.find(std::string(key));
  return found == bucket.end() ? "" : found->second;
}

// "4.0.0": a version by its form, but not of etcd 3.
bool IsOfOtherMajor(std::string_view version) {
  const size_t dot = version.find('.');
  const bool number =
      dot != 0 && dot != std::string_view::npos &&
      version.substr(0, dot).find_first_not_of("0123456789") == std::string_view::npos;
  return number && version.substr(0, dot) != "3";
}

// Between two of these, a stop is noticed and progress told. Whole blocks of any file system, so
// that they can be shared.
constexpr uint64_t kCopyStepBytes = uint64_t{16} << 20;

std::string ConfState(const NewCluster& cluster) {
  Json voters = Json::array();
  for (const NewMember& member : cluster.members) voters.push_back(member.id);
  return DumpLine({{"voters", voters}, {"auto_leave", false}});
}

// The buckets of the snapshot that are looked at, on their way to what they will be.
struct Buckets {
  bbolt::BucketContent meta;
  bbolt::BucketContent cluster;
};

// The minor version that the result is for. A newer etcd's file is refused, or stripped of what
// says so: etcd 3.6 and later would not start on it.
Result<int> FitToVersion(const Policy& policy, Buckets& buckets, DatabasePlan& plan) {
  ASSIGN_OR_RETURN(const int written, MinorOfSnapshot(buckets.meta, buckets.cluster));
  int wanted = written;
  if (!policy.etcd_version.empty()) {
    ASSIGN_OR_RETURN(wanted, ParseEtcdMinor(policy.etcd_version));
  }
  if (wanted < written) {
    const std::string versions =
        fmt::format("the snapshot is of etcd 3.{}, newer than 3.{}", written, wanted);
    if (!policy.allow_downgrade) {
      return Error(Reason::kEtcdVersion,
                   "{}, which may fail to start on the data or misread it. Run etcd 3.{}, or add "
                   "--allow-downgrade",
                   versions, written);
    }
    buckets.meta.erase(std::string(mvcc::kStorageVersionKey));
    buckets.cluster.erase(std::string(mvcc::kClusterVersionKey));
    plan.edit.replace[std::string(mvcc::kClusterBucket)] = buckets.cluster;
    plan.warnings.push_back(versions +
                            ": its storage and cluster version are removed. etcd does not support "
                            "this step: check what the cluster serves before you use it");
  }
  return wanted;
}

void SetMembership(const NewCluster& cluster, int minor, Buckets& buckets, DatabasePlan& plan) {
  buckets.meta[std::string(mvcc::kConsistentIndexKey)] = BigEndian64(cluster.members.size());
  if (minor >= 5) {
    buckets.meta[std::string(mvcc::kTermKey)] = BigEndian64(1);
    buckets.meta[std::string(mvcc::kConfStateKey)] = ConfState(cluster);
  } else {  // 3.4 does not know these: a file for it shall look as it would write it
    buckets.meta.erase(std::string(mvcc::kTermKey));
    buckets.meta.erase(std::string(mvcc::kConfStateKey));
  }
  bbolt::BucketContent& members = plan.edit.replace[std::string(mvcc::kMembersBucket)];
  for (const NewMember& member : cluster.members)
    members[fmt::format("{:x}", member.id)] = member.ToJson();
  plan.edit.replace[std::string(mvcc::kMembersRemovedBucket)] = {};
}

// As etcdutl does it (docs/dev/formats.md §6.4): an empty row at the new revision, and a
// compaction up to it that is under way. It counts from the last row; we from the store's revision,
// which is higher if the last rows were compacted away.
Status BumpRevision(uint64_t by, Buckets& buckets, DatabasePlan& plan) {
  ASSIGN_OR_RETURN(const auto last_key, plan.source.LastKey(mvcc::kKeyBucket));
  ASSIGN_OR_RETURN(const mvcc::StoreState state, mvcc::ReadStoreState(plan.source));
  const auto last = mvcc::DecodeRevision(last_key.value_or(""));
  const int64_t revision =
      std::max({last.value_or(mvcc::Revision{}).main, state.CompactRevision(), int64_t{0}});
  if (by > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() - revision)) {
    return Error(Reason::kUsage,
                 "--bump-revision {}: the result exceeds the largest possible revision", by);
  }
  const std::string bumped = mvcc::EncodeRevision({.main = revision + static_cast<int64_t>(by)});
  plan.edit.append[std::string(mvcc::kKeyBucket)] = {{bumped, ""}};
  buckets.meta[std::string(mvcc::kScheduledCompactKey)] = bumped;
  return OkStatus();
}

Status ApplyPolicy(const Policy& policy, DatabasePlan& plan) {
  if (policy.clear_alarms) {
    ASSIGN_OR_RETURN(const bbolt::BucketContent alarms,
                     bbolt::ReadBucket(plan.source, mvcc::kAlarmBucket));
    if (!alarms.empty()) {
      plan.edit.replace[std::string(mvcc::kAlarmBucket)] = {};
      plan.warnings.push_back(
          "alarms are removed, but their cause (a full quota, a corrupt member) may persist");
    }
  }
  if (policy.drop_auth) {
    ASSIGN_OR_RETURN(bbolt::BucketContent auth, bbolt::ReadBucket(plan.source, mvcc::kAuthBucket));
    if (std::string& enabled = auth[std::string(mvcc::kAuthEnabledKey)]; enabled == "\x01") {
      enabled = std::string(1, '\0');
      plan.edit.replace[std::string(mvcc::kAuthBucket)] = std::move(auth);
      plan.warnings.push_back(
          "authentication is disabled: anyone who reaches the cluster can read and write "
          "everything. Set new passwords and run `etcdctl auth enable`");
    }
  }
  return OkStatus();
}

}  // namespace

Result<int> ParseEtcdMinor(std::string_view version) {
  const std::optional<int> minor = EtcdMinorOf(version);
  if (minor.has_value() && *minor >= kMinorFirst && *minor <= kMinorLast) return *minor;
  return Error(Reason::kUsage,
               "--etcd-version {}: not one of 3.{} to 3.{}. Write it as 3.5 or 3.5.30", version,
               kMinorFirst, kMinorLast);
}

// A storage or cluster version in a file may be newer than what is supported: it only has to be
// compared.
Result<int> MinorOfSnapshot(const bbolt::BucketContent& meta, const bbolt::BucketContent& cluster) {
  const int writer = meta.contains(std::string(mvcc::kTermKey)) ? 5 : 4;
  const std::string storage_version = ValueAt(meta, mvcc::kStorageVersionKey);
  const std::string cluster_version = ValueAt(cluster, mvcc::kClusterVersionKey);
  for (const std::string& version : {storage_version, cluster_version}) {
    if (!IsOfOtherMajor(version)) continue;
    return Error(Reason::kEtcdVersion,
                 "the snapshot is of etcd {}, which this etcdrill does not support. Restore it "
                 "with the tools of that version",
                 Printable(version));
  }
  const std::optional<int> of_cluster = EtcdMinorOf(cluster_version);
  return std::max(writer, of_cluster.value_or(EtcdMinorOf(storage_version).value_or(0)));
}

Result<DatabasePlan> PlanDatabase(const snapshot::Image& snapshot, const NewCluster& cluster,
                                  const Policy& policy) {
  ASSIGN_OR_RETURN(const bbolt::Database* const source, snapshot.RequireDatabase());
  const uint64_t pages = source->body_size() / source->meta().page_size;
  if (source->meta().high_water > pages) {
    return Error(Reason::kDamaged, "the snapshot is damaged: the file has {} pages, {} are in use",
                 pages, source->meta().high_water);
  }
  DatabasePlan plan{*source};
  Buckets buckets;
  ASSIGN_OR_RETURN(buckets.meta, bbolt::ReadBucket(*source, mvcc::kMetaBucket));
  ASSIGN_OR_RETURN(buckets.cluster, bbolt::ReadBucket(*source, mvcc::kClusterBucket));
  ASSIGN_OR_RETURN(const int minor, FitToVersion(policy, buckets, plan));
  SetMembership(cluster, minor, buckets, plan);
  if (policy.bump_revision > 0) RETURN_IF_ERROR(BumpRevision(policy.bump_revision, buckets, plan));
  RETURN_IF_ERROR(ApplyPolicy(policy, plan));
  plan.edit.replace[std::string(mvcc::kMetaBucket)] = std::move(buckets.meta);
  return plan;
}

Result<uint64_t> WriteDatabase(const Context& context, const snapshot::Image& snapshot,
                               const DatabasePlan& plan, const std::string& target, bool sync,
                               const OnProgress& on_progress) {
  ASSIGN_OR_RETURN(const auto file, context.fs.Create(target, kPrivateFileMode));
  const uint64_t size = plan.source.bytes_in_use();
  for (uint64_t done = 0; done < size;) {
    if (context.stop.stop_requested()) return Error(Reason::kInterrupted, "interrupted");
    const uint64_t step = std::min(kCopyStepBytes, size - done);
    RETURN_IF_ERROR(file->AppendFrom(snapshot.file(), done, step));
    done += step;
    if (on_progress) on_progress(done, size);
  }
  RETURN_IF_ERROR(bbolt::ApplyEdit(plan.source, plan.edit, *file));
  if (sync) RETURN_IF_ERROR(file->Sync());
  ASSIGN_OR_RETURN(const bool unchanged, snapshot.file().IsUnchanged());
  if (!unchanged) {
    return Error(Reason::kBusy,
                 "the file changed while etcdrill copied it. Wait until the writer has finished");
  }
  ASSIGN_OR_RETURN(const FileInfo info, context.fs.Stat(target));
  return info.size;
}

}  // namespace etcdrill::restore
