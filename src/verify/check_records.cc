// One function a bucket; then what follows from the whole, above all what survives a restore and
// surprises people.
#include "verify/check_records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"
#include "proof/finding_codes.h"
#include "proto/authpb.pb.h"
#include "proto/etcdserverpb.pb.h"
#include "proto/leasepb.pb.h"

namespace etcdrill::verify {
namespace {

constexpr size_t kUint64Bytes = 8;
constexpr size_t kRecordBytesMax = 4096;
constexpr size_t kNamesMax = 10'000;  // of roles; the limit keeps a hostile file from the memory
constexpr std::string_view kRoot = "root";  // user and role

bool ParseProto(google::protobuf::MessageLite& message, std::string_view bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

void RecordsCheck::OnMeta(const bbolt::Pair& pair) {
  if (pair.key == mvcc::kStorageVersionKey) {
    OnVersion(pair, facts_.storage_version);
  } else if (pair.key == mvcc::kConsistentIndexKey) {
    has_consistent_index_ = true;
    facts_.consistent_index = Number(pair, codes::kMetaValue);
  } else if (pair.key == mvcc::kTermKey) {
    has_term_ = true;
    facts_.term = Number(pair, codes::kMetaValue);
  } else if (pair.key == mvcc::kScheduledCompactKey || pair.key == mvcc::kFinishedCompactKey) {
    const auto revision = mvcc::DecodeRevision(pair.value);
    if (!revision.has_value() || revision->tombstone || revision->sub != 0) {
      Report(codes::kCompactionState, pair,
             fmt::format("bucket meta: {} is not a compact revision", pair.key));
    }
  }
}

std::optional<uint64_t> RecordsCheck::Number(const bbolt::Pair& pair, std::string_view code) {
  if (pair.value.size() == kUint64Bytes) return LoadBE64(pair.value.data());
  Report(code, pair,
         fmt::format("{} has {} bytes, expected {}", pair.key, pair.value.size(), kUint64Bytes));
  return std::nullopt;
}

// "3.6.0"; nothing else gets into reports and names.
void RecordsCheck::OnVersion(const bbolt::Pair& pair, std::string& version) {
  constexpr size_t kVersionCharsMax = 32;
  const bool good = !pair.value.empty() && pair.value.size() <= kVersionCharsMax &&
                    pair.value.find_first_not_of("0123456789.") == std::string_view::npos;
  if (good) {
    version = pair.value;
  } else {
    Report(codes::kMetaValue, pair,
           fmt::format("{} is not a version: {}", pair.key, Printable(pair.value)));
  }
}

void RecordsCheck::OnLease(const bbolt::Pair& pair) {
  leasepb::Lease lease;
  if (pair.key.size() != kUint64Bytes || !ParseProto(lease, pair.value) ||
      static_cast<uint64_t>(lease.id()) != LoadBE64(pair.key.data())) {
    Report(
        codes::kLeaseDecode, pair,
        fmt::format("bucket lease: lease {} cannot be decoded, or has another id", Hex(pair.key)));
    return;
  }
  if (lease.ttl() <= 0 || lease.remainingttl() < 0) {
    Report(codes::kLeaseDecode, pair,
           fmt::format("bucket lease: lease {} has an impossible TTL of {} s with {} s left",
                       Hex(pair.key), lease.ttl(), lease.remainingttl()));
  }
  ++leases_;
}

void RecordsCheck::OnAlarm(const bbolt::Pair& pair) {
  etcdserverpb::AlarmMember alarm;
  if (!ParseProto(alarm, pair.key) || !pair.value.empty()) {
    Report(codes::kAlarmDecode, pair, "bucket alarm: an alarm cannot be decoded");
    return;
  }
  constexpr size_t kAlarmsMax = 100;
  if (facts_.alarms.size() >= kAlarmsMax) return;
  // A newer etcd may know more of them.
  const std::string& name = etcdserverpb::AlarmType_Name(alarm.alarm());
  facts_.alarms.push_back(name.empty() ? fmt::format("{}", static_cast<int>(alarm.alarm())) : name);
}

void RecordsCheck::OnAuth(const bbolt::Pair& pair) {
  if (pair.key == mvcc::kAuthEnabledKey) {
    facts_.auth_enabled = pair.value == std::string_view("\x01");
    if (!facts_.auth_enabled && pair.value != std::string_view("\0", 1)) {
      Report(codes::kAuthDecode, pair, "bucket auth: authEnabled is neither 0 nor 1");
    }
  } else if (pair.key == mvcc::kAuthRevisionKey) {
    facts_.auth_revision = Number(pair, codes::kAuthDecode);
  }
}

void RecordsCheck::OnAuthUser(const bbolt::Pair& pair) {
  authpb::User user;
  if (!ParseProto(user, pair.value) || user.name() != pair.key) {
    Report(codes::kAuthDecode, pair,
           fmt::format("bucket authUsers: user {} cannot be decoded, or has another name",
                       Printable(pair.key)));
    return;
  }
  has_root_ |= user.name() == kRoot;
  for (const std::string& role : user.roles()) {
    if (roles_in_use_.size() < kNamesMax) roles_in_use_.insert(role);
  }
}

void RecordsCheck::OnAuthRole(const bbolt::Pair& pair) {
  authpb::Role role;
  if (!ParseProto(role, pair.value) || role.name() != pair.key) {
    Report(codes::kAuthDecode, pair,
           fmt::format("bucket authRoles: role {} cannot be decoded, or has another name",
                       Printable(pair.key)));
    return;
  }
  if (roles_.size() < kNamesMax) roles_.insert(role.name());
}

void RecordsCheck::OnCluster(const bbolt::Pair& pair) {
  if (pair.key == mvcc::kClusterVersionKey) OnVersion(pair, facts_.cluster_version);
  if (pair.key != mvcc::kDowngradeKey) return;
  const auto json = nlohmann::json::parse(pair.value.substr(0, kRecordBytesMax), nullptr,
                                          /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("enabled") || !json["enabled"].is_boolean()) {
    Report(codes::kMetaValue, pair, "bucket cluster: downgrade cannot be decoded");
  } else if (json["enabled"].get<bool>()) {
    const auto target = json.find("target-version");
    const std::string version =
        target != json.end() && target->is_string() ? target->get<std::string>() : "?";
    findings_.Info(codes::kRestoresWithDowngrade,
                   "a downgrade to {} is under way and continues after a restore. Finish it, or "
                   "cancel it with `etcdctl downgrade cancel`",
                   Printable(version));
  }
}

void RecordsCheck::CheckAuth(const Keyspace& keyspace) {
  if (roles_.size() < kNamesMax) {
    for (const std::string& role : roles_in_use_) {
      // The role of root is built in.
      if (role == kRoot || roles_.contains(role)) continue;
      findings_.Warn(codes::kAuthDangling,
                     "bucket authUsers: a user has role {}, which does not exist", Printable(role));
    }
  }
  if (!keyspace.auth_enabled) return;
  if (!has_root_) {
    findings_.Warn(codes::kAuthDangling,
                   "bucket authUsers: authentication is on, but user root does not exist: no one "
                   "can administer the restored cluster");
  }
  findings_.Info(codes::kRestoresWithAuth,
                 "authentication is on: the restored cluster requires the users and passwords of "
                 "snapshot time");
}

void RecordsCheck::Finish(Keyspace& keyspace) {
  keyspace.storage_version = std::move(facts_.storage_version);
  keyspace.cluster_version = std::move(facts_.cluster_version);
  keyspace.alarms = std::move(facts_.alarms);
  keyspace.auth_enabled = facts_.auth_enabled;
  keyspace.auth_revision = facts_.auth_revision;
  keyspace.consistent_index = facts_.consistent_index;
  keyspace.term = facts_.term;
  if (!has_consistent_index_ && keyspace.newest_row > 0) {
    findings_.Error(codes::kMetaMissing,
                    "bucket meta: consistent_index is missing, though the file has revision "
                    "records. Every etcd writes it with the first record");
  }
  // 3.5 brought the term, 3.6 the storage version.
  if (!has_term_ && !keyspace.storage_version.empty()) {
    findings_.Error(
        codes::kMetaMissing,
        "bucket meta: storage version {}, but no term. Every etcd since 3.5 writes the term",
        keyspace.storage_version);
  }
  for (const std::string& alarm : keyspace.alarms) TellAlarm(alarm);
  CheckAuth(keyspace);
  if (leases_ > 0) {
    findings_.Info(codes::kRestoresWithLeases,
                   "{} lease{}: after a restore the TTL restarts in full, and the keys are deleted "
                   "when it ends",
                   leases_, leases_ == 1 ? "" : "s");
  }
}

void RecordsCheck::TellAlarm(const std::string& alarm) {
  findings_.Info(codes::kRestoresWithAlarm,
                 "the {} alarm is raised: a restored cluster refuses writes until you disarm it",
                 alarm);
  if (alarm != etcdserverpb::AlarmType_Name(etcdserverpb::CORRUPT)) return;
  findings_.Warn(codes::kAlarmCorrupt,
                 "the cluster has a member with different data (CORRUPT alarm), and this file may "
                 "be a copy of that member. Compare it with a snapshot of another member "
                 "(`etcdrill lineage`) before you trust it");
}

void RecordsCheck::Report(std::string_view code, const bbolt::Pair& pair, std::string text) {
  findings_.Add({code, Severity::kError, pair.page, pair.offset, std::move(text)});
}

}  // namespace etcdrill::verify
