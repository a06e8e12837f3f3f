// The table of buckets, the sums over all of them, and what follows from the whole.
#include "verify/check_keyspace.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "format/mvcc/buckets.h"
#include "proof/finding_codes.h"

namespace etcdrill::verify {

KeyspaceCheck::KeyspaceCheck(const Facts& facts, KeyBucketCheck key_bucket, Findings& findings)
    : facts_(facts),
      findings_(findings),
      key_bucket_(std::move(key_bucket)),
      membership_(findings),
      records_(findings) {}

void KeyspaceCheck::OnBucket(std::string_view name) {
  struct Entry {
    std::string_view bucket;
    void (*on_pair)(KeyspaceCheck&, const bbolt::Pair&);
  };
  using Self = KeyspaceCheck;
  using Pair = const bbolt::Pair;
  static constexpr Entry kTable[] = {
      {mvcc::kMetaBucket,
       [](Self& self, Pair& pair) {
         if (pair.key == mvcc::kConfStateKey) {
           self.membership_.OnConfState(pair);
         } else {
           self.records_.OnMeta(pair);
         }
       }},
      {mvcc::kMembersBucket, [](Self& self, Pair& pair) { self.membership_.OnMember(pair); }},
      {mvcc::kMembersRemovedBucket,
       [](Self& self, Pair& pair) { self.membership_.OnRemovedMember(pair); }},
      {mvcc::kLeaseBucket, [](Self& self, Pair& pair) { self.records_.OnLease(pair); }},
      {mvcc::kAlarmBucket, [](Self& self, Pair& pair) { self.records_.OnAlarm(pair); }},
      {mvcc::kAuthBucket, [](Self& self, Pair& pair) { self.records_.OnAuth(pair); }},
      {mvcc::kAuthUsersBucket, [](Self& self, Pair& pair) { self.records_.OnAuthUser(pair); }},
      {mvcc::kAuthRolesBucket, [](Self& self, Pair& pair) { self.records_.OnAuthRole(pair); }},
      {mvcc::kClusterBucket, [](Self& self, Pair& pair) { self.records_.OnCluster(pair); }},
  };
  buckets_.emplace(name);
  keyspace_.hash = Crc32c(keyspace_.hash, name);
  on_pair_ = nullptr;
  for (const Entry& entry : kTable) {
    if (entry.bucket == name) on_pair_ = entry.on_pair;
  }
  in_key_bucket_ = name == mvcc::kKeyBucket;
  const bool is_of_etcd = on_pair_ != nullptr || in_key_bucket_;
  any_of_etcd_ |= is_of_etcd;
  if (!is_of_etcd) {
    findings_.Info(codes::kBucketUnknown,
                   "bucket {} is not a bucket of etcd. A restore keeps it unchanged",
                   Printable(name));
  }
}

void KeyspaceCheck::OnPairs(std::span<const bbolt::Pair> pairs) {
  for (const bbolt::Pair& pair : pairs) {
    keyspace_.hash = Crc32c(Crc32c(keyspace_.hash, pair.key), pair.value);
    if (on_pair_ != nullptr) on_pair_(*this, pair);
  }
  keyspace_.total_keys += pairs.size();
  if (in_key_bucket_) key_bucket_.OnRows(pairs);
}

void KeyspaceCheck::CheckCompaction() {
  const int64_t scheduled = facts_.state.scheduled_compact.value_or(0);
  const int64_t finished = facts_.state.finished_compact.value_or(0);
  if (finished > scheduled) {
    findings_.Error(codes::kCompactionState,
                    "compaction {} is finished, but the newest scheduled one is {}", finished,
                    scheduled);
  }
  if (scheduled > finished) {
    findings_.Info(
        codes::kCompactionPending,
        "the compaction at revision {} is unfinished. etcd continues it at the next start",
        scheduled);
  }
}

Result<Keyspace> KeyspaceCheck::Finish() {
  RETURN_IF_ERROR(key_bucket_.Finish(keyspace_));
  CheckCompaction();
  for (const std::string_view name : {mvcc::kKeyBucket, mvcc::kMetaBucket}) {
    if (buckets_.contains(std::string(name))) continue;
    findings_.Error(codes::kBucketMissing, "bucket {} is missing: the file is not an etcd database",
                    name);
  }
  std::string missing;
  for (const std::string_view name :
       {mvcc::kAlarmBucket, mvcc::kAuthBucket, mvcc::kAuthRolesBucket, mvcc::kAuthUsersBucket,
        mvcc::kClusterBucket, mvcc::kLeaseBucket, mvcc::kMembersBucket,
        mvcc::kMembersRemovedBucket}) {
    if (!buckets_.contains(std::string(name)))
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  }
  if (!missing.empty()) {
    findings_.Warn(
        codes::kBucketMissing,
        "buckets that every etcd since 3.4 creates are missing: {}. Their content is lost",
        missing);
  }
  keyspace_.members = membership_.Finish();
  records_.Finish(keyspace_);
  return std::move(keyspace_);
}

}  // namespace etcdrill::verify
