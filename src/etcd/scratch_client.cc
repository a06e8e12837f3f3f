#include "etcd/scratch_client.h"

#include "etcd/channel.h"
#include "proto/etcdserverpb.grpc.pb.h"

namespace etcdrill::etcd {
namespace {

namespace pb = etcdserverpb;

}  // namespace

Result<std::unique_ptr<ScratchClient>> ScratchClient::Create(const ScratchOptions& options,
                                                             const Context& context) {
  ConnectionOptions connection;
  connection.command_timeout = options.command_timeout;
  connection.reconnect_every = {};  // as often as can be: a drill waits for it
  ASSIGN_OR_RETURN(const auto no_files, WatchTlsFiles(connection, context));
  ASSIGN_OR_RETURN(std::shared_ptr<Channel> channel,
                   Channel::Create(connection, "unix://" + options.socket_path,
                                   {std::make_shared<CallCounts>(), no_files}, context));
  return std::unique_ptr<ScratchClient>(new ScratchClient(std::move(channel)));
}

Status ScratchClient::Put(std::string_view key, std::string_view value) const {
  pb::PutRequest request;
  request.set_key(std::string(key));
  request.set_value(std::string(value));
  return Unary(*channel_, "Put", &pb::KV::Stub::Put, request).status();
}

Result<int64_t> ScratchClient::Delete(std::string_view key) const {
  pb::DeleteRangeRequest request;
  request.set_key(std::string(key));
  ASSIGN_OR_RETURN(const pb::DeleteRangeResponse response,
                   Unary(*channel_, "DeleteRange", &pb::KV::Stub::DeleteRange, request));
  return response.deleted();
}

Status ScratchClient::DisarmAlarm(const Alarm& alarm) const {
  pb::AlarmRequest request;
  request.set_action(pb::AlarmRequest::DEACTIVATE);
  request.set_memberid(alarm.member_id);
  request.set_alarm(static_cast<pb::AlarmType>(alarm.type));
  return Unary(*channel_, "Alarm", &pb::Maintenance::Stub::Alarm, request).status();
}

Result<uint64_t> ScratchClient::AddMember(std::string_view peer_url) const {
  pb::MemberAddRequest request;
  request.add_peerurls(std::string(peer_url));
  ASSIGN_OR_RETURN(const pb::MemberAddResponse response,
                   Unary(*channel_, "MemberAdd", &pb::Cluster::Stub::MemberAdd, request));
  return response.member().id();
}

Status ScratchClient::RemoveMember(uint64_t id) const {
  pb::MemberRemoveRequest request;
  request.set_id(id);
  return Unary(*channel_, "MemberRemove", &pb::Cluster::Stub::MemberRemove, request).status();
}

}  // namespace etcdrill::etcd
