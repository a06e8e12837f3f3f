// The small buckets, the sums over all of them, and what follows from the whole.
#include "verify/check_keyspace.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "format/finding_codes.h"
#include "format/mvcc/buckets.h"
#include "proto/etcdserverpb.pb.h"
#include "proto/leasepb.pb.h"

namespace etcdrill::verify {
namespace {

constexpr size_t kUint64Bytes = 8;

bool ParseProto(google::protobuf::MessageLite& message, std::string_view bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::optional<MemberRecord> ParseMember(std::string_view text) {
  constexpr size_t kMemberBytesMax = 64 << 10;  // nested brackets cost the JSON library many times their size
  if (text.size() > kMemberBytesMax) return std::nullopt;
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("id") || !json["id"].is_number_unsigned()) return std::nullopt;
  MemberRecord member;
  member.id = json["id"].get<uint64_t>();
  if (json.contains("name") && json["name"].is_string()) member.name = json["name"].get<std::string>();
  if (json.contains("isLearner") && json["isLearner"].is_boolean()) member.is_learner = json["isLearner"].get<bool>();
  if (json.contains("peerURLs") && json["peerURLs"].is_array()) {
    for (const auto& url : json["peerURLs"]) {
      if (url.is_string()) member.peer_urls.push_back(url.get<std::string>());
    }
  }
  return member;
}

}  // namespace

KeyspaceCheck::KeyspaceCheck(const mvcc::StoreState& state, int64_t revision, const mvcc::NewestRows& newest,
                             Findings& findings)
    : state_(state), findings_(findings), key_bucket_(state, revision, newest, findings) {}

void KeyspaceCheck::OnBucket(std::string_view name) {
  bucket_ = name;
  buckets_.insert(bucket_);
  keyspace_.hash = Crc32c(keyspace_.hash, name);
}

void KeyspaceCheck::OnPair(const bbolt::Pair& pair) {
  keyspace_.hash = Crc32c(Crc32c(keyspace_.hash, pair.key), pair.value);
  ++keyspace_.total_keys;
  if (bucket_ == mvcc::kKeyBucket) {
    key_bucket_.OnRow(pair);
  } else if (bucket_ == mvcc::kMetaBucket) {
    OnMeta(pair);
  } else if (bucket_ == mvcc::kLeaseBucket) {
    OnLease(pair);
  } else if (bucket_ == mvcc::kMembersBucket) {
    OnMember(pair);
  } else if (bucket_ == mvcc::kAlarmBucket) {
    OnAlarm(pair);
  } else if (bucket_ == mvcc::kClusterBucket && pair.key == mvcc::kClusterVersionKey) {
    OnVersion(pair, keyspace_.cluster_version);
  } else if (bucket_ == mvcc::kAuthBucket && pair.key == mvcc::kAuthEnabledKey) {
    keyspace_.auth_enabled = pair.value == std::string_view("\x01");
  }
}

void KeyspaceCheck::OnMeta(const bbolt::Pair& pair) {
  if (pair.key == mvcc::kStorageVersionKey) {
    OnVersion(pair, keyspace_.storage_version);
  } else if (pair.key == mvcc::kConsistentIndexKey || pair.key == mvcc::kTermKey) {
    if (pair.value.size() != kUint64Bytes) {
      Report(codes::kMetaValue, pair,
             fmt::format("{} has {} bytes, expected {}", pair.key, pair.value.size(), kUint64Bytes));
    }
  } else if (pair.key == mvcc::kScheduledCompactKey || pair.key == mvcc::kFinishedCompactKey) {
    if (!mvcc::DecodeRevision(pair.value).has_value()) {
      Report(codes::kCompactionState, pair, fmt::format("{} is not a revision", pair.key));
    }
  }
}

// "3.6.0"; nothing else gets into reports and names.
void KeyspaceCheck::OnVersion(const bbolt::Pair& pair, std::string& version) {
  constexpr size_t kVersionCharsMax = 32;
  const bool good = !pair.value.empty() && pair.value.size() <= kVersionCharsMax &&
                    pair.value.find_first_not_of("0123456789.") == std::string_view::npos;
  if (good) {
    version = pair.value;
  } else {
    Report(codes::kMetaValue, pair, fmt::format("{} is not a version: {}", pair.key, Printable(pair.value)));
  }
}

void KeyspaceCheck::OnMember(const bbolt::Pair& pair) {
  const std::optional<MemberRecord> member = ParseMember(pair.value);
  if (!member.has_value() || fmt::format("{:x}", member->id) != pair.key) {
    Report(codes::kMemberDecode, pair,
           fmt::format("member {} does not decode, or carries another id", Printable(pair.key)));
    return;
  }
  keyspace_.members.push_back(*member);
}

void KeyspaceCheck::OnAlarm(const bbolt::Pair& pair) {
  etcdserverpb::AlarmMember alarm;
  if (!ParseProto(alarm, pair.key) || !etcdserverpb::AlarmType_IsValid(alarm.alarm())) {
    Report(codes::kAlarmDecode, pair, "an alarm does not decode");
    return;
  }
  keyspace_.alarms.push_back(etcdserverpb::AlarmType_Name(alarm.alarm()));
}

void KeyspaceCheck::OnLease(const bbolt::Pair& pair) {
  leasepb::Lease lease;
  if (pair.key.size() != kUint64Bytes || !ParseProto(lease, pair.value) ||
      static_cast<uint64_t>(lease.id()) != LoadBE64(pair.key.data())) {
    Report(codes::kLeaseDecode, pair, fmt::format("lease {} does not decode, or carries another id", Hex(pair.key)));
  }
}

void KeyspaceCheck::CheckCompaction() {
  const int64_t scheduled = state_.scheduled_compact.value_or(0);
  const int64_t finished = state_.finished_compact.value_or(0);
  if (finished > scheduled) {
    findings_.Add(
        {codes::kCompactionState, Severity::kError, std::nullopt, std::nullopt,
         fmt::format("compaction {} is finished, but {} is the newest that was scheduled", finished, scheduled)});
  }
  if (scheduled > finished) {
    findings_.Add(
        {codes::kCompactionPending, Severity::kInfo, std::nullopt, std::nullopt,
         fmt::format("compaction at revision {} was under way; etcd goes on with it when it boots", scheduled)});
  }
}

Keyspace KeyspaceCheck::Finish() {
  key_bucket_.Finish(keyspace_);
  CheckCompaction();
  for (const std::string_view name : {mvcc::kKeyBucket, mvcc::kMetaBucket}) {
    if (buckets_.contains(std::string(name))) continue;
    findings_.Add({codes::kBucketMissing, Severity::kError, std::nullopt, std::nullopt,
                   fmt::format("there is no bucket {}; this is not the store of an etcd", name)});
  }
  for (const std::string& alarm : keyspace_.alarms) {
    findings_.Add(
        {codes::kRestoresWithAlarm, Severity::kInfo, std::nullopt, std::nullopt,
         fmt::format("restores with the {} alarm raised: the new cluster refuses writes until it is disarmed", alarm)});
  }
  if (keyspace_.auth_enabled) {
    findings_.Add({codes::kRestoresWithAuth, Severity::kInfo, std::nullopt, std::nullopt,
                   "restores with authentication on: the new cluster wants the users and passwords of then"});
  }
  return std::move(keyspace_);
}

void KeyspaceCheck::Report(std::string_view code, const bbolt::Pair& pair, std::string text) {
  findings_.Add({code, Severity::kError, pair.page, pair.offset, fmt::format("bucket {}: {}", bucket_, text)});
}

}  // namespace etcdrill::verify
