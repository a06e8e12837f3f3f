// See endpoint.h. Requests and answers: docs/dev/formats.md §3.
#include "etcd/endpoint.h"

#include <algorithm>

#include "etcd/channel.h"
#include "etcd/errors.h"
#include "etcd/snapshot_stream.h"
#include "proto/etcdserverpb.grpc.pb.h"

namespace etcdrill::etcd {
namespace {

namespace pb = etcdserverpb;

// etcdutl 3.6 hashes ten times as fast on an idle machine (docs/dev/benchmarks.md).
constexpr int64_t kHashedBytesASecond = int64_t{25} << 20;
constexpr std::chrono::seconds kHashTimeMax = std::chrono::minutes(30);  // 44 GiB at that pace

// Lists are cut to what a cluster can have: a message may hold millions of entries.
constexpr int kMembersMax = 100;
constexpr int kUrlsMax = 10;
constexpr int kErrorsMax = 10;
constexpr int kAlarmsMax = 100;

// As Unary, and counted.
template <typename Stub, typename Request, typename Response>
Result<Response> Counted(Channel& channel, Method method,
                         grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
                         const Request& request, Duration more_time = {}) {
  const size_t index = static_cast<size_t>(method);
  ++channel.counts().requests[index];
  Result<Response> response = Unary(channel, kMethodNames[index], rpc, request, more_time);
  if (!response.ok()) ++channel.counts().failures[index];
  return response;
}

template <typename Strings>
std::vector<std::string> ToVector(const Strings& strings, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < std::min(strings.size(), count); ++i) texts.push_back(Said(strings[i]));
  return texts;
}

AlarmType ToAlarmType(pb::AlarmType type) {
  switch (type) {
    case pb::NOSPACE:
      return AlarmType::kNoSpace;
    case pb::CORRUPT:
      return AlarmType::kCorrupt;
    default:
      return AlarmType::kNone;
  }
}

KeyValue ToKeyValue(mvccpb::KeyValue& from) {
  return {std::move(*from.mutable_key()),
          std::move(*from.mutable_value()),
          from.create_revision(),
          from.mod_revision(),
          from.version(),
          from.lease()};
}

}  // namespace

Duration HashTime(int64_t db_size_bytes) {
  return std::min(std::chrono::seconds(db_size_bytes / kHashedBytesASecond), kHashTimeMax);
}

Endpoint::Endpoint(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
Endpoint::~Endpoint() = default;
Endpoint::Endpoint(Endpoint&&) noexcept = default;

const std::string& Endpoint::address() const { return channel_->address().written; }

Result<MemberStatus> Endpoint::Status() const {
  ASSIGN_OR_RETURN(
      const pb::StatusResponse from,
      Counted(*channel_, Method::kStatus, &pb::Maintenance::Stub::Status, pb::StatusRequest()));
  MemberStatus status;
  status.cluster_id = from.header().cluster_id();
  status.member_id = from.header().member_id();
  status.revision = from.header().revision();
  status.version = Said(from.version());
  status.db_size_bytes = std::max<int64_t>(from.dbsize(), 0);
  status.db_in_use_bytes = std::max<int64_t>(from.dbsizeinuse(), 0);
  status.db_quota_bytes = std::max<int64_t>(from.dbsizequota(), 0);
  status.leader_id = from.leader();
  status.raft_term = from.raftterm();
  status.raft_index = from.raftindex();
  status.raft_applied_index = from.raftappliedindex();
  status.is_learner = from.islearner();
  status.storage_version = Said(from.storageversion());
  status.errors = ToVector(from.errors(), kErrorsMax);
  return status;
}

Result<Membership> Endpoint::MemberList() const {
  ASSIGN_OR_RETURN(const pb::MemberListResponse from,
                   Counted(*channel_, Method::kMemberList, &pb::Cluster::Stub::MemberList,
                           pb::MemberListRequest()));
  Membership membership;
  membership.cluster_id = from.header().cluster_id();
  for (int i = 0; i < std::min(from.members_size(), kMembersMax); ++i) {
    const pb::Member& member = from.members(i);
    membership.members.push_back({member.id(), Said(member.name()),
                                  ToVector(member.peerurls(), kUrlsMax),
                                  ToVector(member.clienturls(), kUrlsMax), member.islearner()});
  }
  return membership;
}

Result<HashKvAnswer> Endpoint::HashKv(int64_t revision, int64_t db_size_bytes) const {
  pb::HashKVRequest request;
  request.set_revision(revision);
  ASSIGN_OR_RETURN(const pb::HashKVResponse from,
                   Counted(*channel_, Method::kHashKv, &pb::Maintenance::Stub::HashKV, request,
                           HashTime(db_size_bytes)));
  HashKvAnswer answer;
  answer.cluster_id = from.header().cluster_id();
  answer.member_id = from.header().member_id();
  answer.hash = from.hash();
  answer.compact_revision = from.compact_revision();
  answer.head_revision = from.header().revision();
  // Before 3.6 the answer does not say what it is of; where the head was asked for, it is that of
  // the header.
  answer.hash_revision = from.hash_revision() != 0 ? from.hash_revision()
                         : revision != 0           ? revision
                                                   : answer.head_revision;
  return answer;
}

Result<std::vector<Alarm>> Endpoint::Alarms() const {
  ASSIGN_OR_RETURN(
      const pb::AlarmResponse from,
      Counted(*channel_, Method::kAlarm, &pb::Maintenance::Stub::Alarm, pb::AlarmRequest()));
  std::vector<Alarm> alarms;
  for (int i = 0; i < std::min(from.alarms_size(), kAlarmsMax); ++i) {
    alarms.push_back({from.alarms(i).memberid(), ToAlarmType(from.alarms(i).alarm())});
  }
  return alarms;
}

Result<RangeAnswer> Endpoint::Range(const RangeQuery& query) const {
  pb::RangeRequest request;
  request.set_key(query.key);
  request.set_range_end(query.range_end);
  request.set_limit(query.limit);
  request.set_revision(query.revision);
  request.set_serializable(query.serializable);
  request.set_count_only(query.count_only);
  ASSIGN_OR_RETURN(pb::RangeResponse from,
                   Counted(*channel_, Method::kRange, &pb::KV::Stub::Range, request));
  RangeAnswer answer;
  answer.cluster_id = from.header().cluster_id();
  answer.member_id = from.header().member_id();
  answer.head_revision = from.header().revision();
  answer.count = from.count();
  answer.more = from.more();
  for (mvccpb::KeyValue& kv : *from.mutable_kvs()) answer.kvs.push_back(ToKeyValue(kv));
  return answer;
}

Result<RangeAnswer> Endpoint::CountKeys(int64_t revision, bool serializable) const {
  const std::string zero(1, '\0');  // from here to the end: all keys
  return Range({.key = zero,
                .range_end = zero,
                .revision = revision,
                .serializable = serializable,
                .count_only = true});
}

Result<std::unique_ptr<SnapshotStream>> Endpoint::Snapshot(Duration limit) const {
  return OpenSnapshotStream(channel_, limit);
}

}  // namespace etcdrill::etcd
