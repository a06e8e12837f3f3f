// Errors are those of a real 3.5: Snapshot and HashKV refuse a bad token with code Unknown and a
// text that begins with "auth:", the other calls with Unauthenticated and "etcdserver:"
// (docs/dev/formats.md §3.7).
#include "support/fake_etcd.h"

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/check.h"
#include "crypto/hash.h"
#include "proto/etcdserverpb.grpc.pb.h"

namespace etcdrill::testing {
namespace {

using namespace std::chrono_literals;
namespace pb = etcdserverpb;

constexpr size_t kBlobBytes = 32 << 10;

void WaitForCancel(const grpc::ServerContext& context) {
  while (!context.IsCancelled()) std::this_thread::sleep_for(2ms);
}

pb::AlarmType ToPb(etcd::AlarmType type) {
  return static_cast<pb::AlarmType>(type);
}  // the same numbers

void Fill(pb::ResponseHeader& header, const etcd::MemberStatus& status) {
  header.set_cluster_id(status.cluster_id);
  header.set_member_id(status.member_id);
  header.set_revision(status.revision);
  header.set_raft_term(status.raft_term);
}

}  // namespace

class FakeEtcd::Impl final {
 public:
  Impl() : maintenance_(*this), kv_(*this), cluster_(*this), auth_(*this) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    for (grpc::Service* service :
         std::initializer_list<grpc::Service*>{&maintenance_, &kv_, &cluster_, &auth_}) {
      builder.RegisterService(service);
    }
    server_ = builder.BuildAndStart();
    CHECK(server_ != nullptr);
  }
  ~Impl() { server_->Shutdown(std::chrono::system_clock::now()); }

  FakeState Copy() {
    const std::lock_guard lock(mutex);
    return state;
  }

  // What every unary call begins with.
  grpc::Status Admit(const grpc::ServerContext& context) {
    const FakeState now = Copy();
    if (now.hang) WaitForCancel(context);
    if (TokenIsGood(context)) return grpc::Status::OK;
    return {grpc::StatusCode::UNAUTHENTICATED, "etcdserver: invalid auth token"};
  }

  bool TokenIsGood(const grpc::ServerContext& context) {
    const std::lock_guard lock(mutex);
    if (state.username.empty()) return true;
    if (state.refuse_tokens) return false;
    const auto found = context.client_metadata().find("token");
    return found != context.client_metadata().end() &&
           tokens.contains(std::string(found->second.data(), found->second.size()));
  }

  int port = 0;
  std::mutex mutex;
  FakeState state;
  std::set<std::string> tokens;
  std::atomic<int> logins = 0;
  std::atomic<int> writes = 0;
  std::atomic<int> open_snapshots = 0;

 private:
  class Maintenance final : public pb::Maintenance::Service {
   public:
    explicit Maintenance(Impl& fake) : fake_(fake) {}

    grpc::Status Status(grpc::ServerContext* context, const pb::StatusRequest*,
                        pb::StatusResponse* response) override {
      if (grpc::Status refused = fake_.Admit(*context); !refused.ok()) return refused;
      const etcd::MemberStatus status = fake_.Copy().status;
      Fill(*response->mutable_header(), status);
      response->set_version(status.version);
      response->set_dbsize(status.db_size_bytes);
      response->set_dbsizeinuse(status.db_in_use_bytes);
      response->set_dbsizequota(status.db_quota_bytes);
      response->set_leader(status.leader_id);
      response->set_raftindex(status.raft_index);
      response->set_raftterm(status.raft_term);
      response->set_raftappliedindex(status.raft_applied_index);
      response->set_islearner(status.is_learner);
      response->set_storageversion(status.storage_version);
      for (const std::string& error : status.errors) response->add_errors(error);
      return grpc::Status::OK;
    }

    grpc::Status HashKV(grpc::ServerContext* context, const pb::HashKVRequest*,
                        pb::HashKVResponse* response) override {
      if (grpc::Status refused = fake_.Admit(*context); !refused.ok()) {
        return {grpc::StatusCode::UNKNOWN, "auth: invalid auth token"};
      }
      const FakeState now = fake_.Copy();
      Fill(*response->mutable_header(), now.status);
      response->mutable_header()->set_revision(now.hash_kv.head_revision);
      response->set_hash(now.hash_kv.hash);
      response->set_compact_revision(now.hash_kv.compact_revision);
      response->set_hash_revision(now.hash_kv.hash_revision);
      return grpc::Status::OK;
    }

    grpc::Status Alarm(grpc::ServerContext* context, const pb::AlarmRequest* request,
                       pb::AlarmResponse* response) override {
      if (request->action() != pb::AlarmRequest::GET) ++fake_.writes;
      if (grpc::Status refused = fake_.Admit(*context); !refused.ok()) return refused;
      const FakeState now = fake_.Copy();
      if (now.deny_alarms)
        return {grpc::StatusCode::PERMISSION_DENIED, "etcdserver: permission denied"};
      for (const etcd::Alarm& from : now.alarms) {
        pb::AlarmMember& alarm = *response->add_alarms();
        alarm.set_memberid(from.member_id);
        alarm.set_alarm(ToPb(from.type));
      }
      return grpc::Status::OK;
    }

    grpc::Status Snapshot(grpc::ServerContext* context, const pb::SnapshotRequest*,
                          grpc::ServerWriter<pb::SnapshotResponse>* writer) override {
      if (!fake_.TokenIsGood(*context))
        return {grpc::StatusCode::UNKNOWN, "auth: invalid auth token"};
      ++fake_.open_snapshots;
      const grpc::Status end = Play(*context, fake_.Copy().snapshot, *writer);
      --fake_.open_snapshots;
      return end;
    }

   private:
    static grpc::Status Play(const grpc::ServerContext& context, const SnapshotScript& script,
                             grpc::ServerWriter<pb::SnapshotResponse>& writer) {
      pb::SnapshotResponse response;
      for (const etcd::SnapshotMessage& message : script.messages) {
        response.set_blob(message.blob);
        response.set_remaining_bytes(message.remaining_bytes);
        response.set_version(message.storage_version);
        if (!writer.Write(response)) return grpc::Status::CANCELLED;
      }
      response.clear_blob();
      switch (script.end) {
        case SnapshotScript::End::kOk:
          return grpc::Status::OK;
        case SnapshotScript::End::kUnavailable:
          return {grpc::StatusCode::UNAVAILABLE, "etcdserver: server stopped"};
        case SnapshotScript::End::kSilence:
          WaitForCancel(context);
          return grpc::Status::CANCELLED;
        case SnapshotScript::End::kEndlessEmpty:
          while (writer.Write(response)) {
          }
          return grpc::Status::CANCELLED;
      }
      return grpc::Status::CANCELLED;
    }

    Impl& fake_;
  };

  class Kv final : public pb::KV::Service {
   public:
    explicit Kv(Impl& fake) : fake_(fake) {}

    grpc::Status Range(grpc::ServerContext* context, const pb::RangeRequest*,
                       pb::RangeResponse* response) override {
      if (grpc::Status refused = fake_.Admit(*context); !refused.ok()) return refused;
      const FakeState now = fake_.Copy();
      if (now.deny_range)
        return {grpc::StatusCode::PERMISSION_DENIED, "etcdserver: permission denied"};
      if (now.index_after_range.has_value()) {
        const std::lock_guard lock(fake_.mutex);
        fake_.state.status.raft_applied_index = *now.index_after_range;
      }
      Fill(*response->mutable_header(), now.status);
      for (const etcd::KeyValue& from : now.kvs) {
        mvccpb::KeyValue& kv = *response->add_kvs();
        kv.set_key(from.key);
        kv.set_value(from.value);
        kv.set_create_revision(from.create_revision);
        kv.set_mod_revision(from.mod_revision);
        kv.set_version(from.version);
        kv.set_lease(from.lease);
      }
      response->set_count(now.count.value_or(response->kvs_size()));
      return grpc::Status::OK;
    }

    grpc::Status Put(grpc::ServerContext*, const pb::PutRequest*, pb::PutResponse*) override {
      ++fake_.writes;
      return grpc::Status::OK;
    }

    grpc::Status DeleteRange(grpc::ServerContext*, const pb::DeleteRangeRequest*,
                             pb::DeleteRangeResponse*) override {
      ++fake_.writes;
      return grpc::Status::OK;
    }

   private:
    Impl& fake_;
  };

  class Cluster final : public pb::Cluster::Service {
   public:
    explicit Cluster(Impl& fake) : fake_(fake) {}

    grpc::Status MemberList(grpc::ServerContext* context, const pb::MemberListRequest*,
                            pb::MemberListResponse* response) override {
      if (grpc::Status refused = fake_.Admit(*context); !refused.ok()) return refused;
      const FakeState now = fake_.Copy();
      Fill(*response->mutable_header(), now.status);
      for (const etcd::Member& from : now.membership.members) {
        pb::Member& member = *response->add_members();
        member.set_id(from.id);
        member.set_name(from.name);
        for (const std::string& url : from.peer_urls) member.add_peerurls(url);
        for (const std::string& url : from.client_urls) member.add_clienturls(url);
        member.set_islearner(from.is_learner);
      }
      return grpc::Status::OK;
    }

   private:
    Impl& fake_;
  };

  class Auth final : public pb::Auth::Service {
   public:
    explicit Auth(Impl& fake) : fake_(fake) {}

    grpc::Status Authenticate(grpc::ServerContext*, const pb::AuthenticateRequest* request,
                              pb::AuthenticateResponse* response) override {
      const std::lock_guard lock(fake_.mutex);
      if (fake_.state.username.empty()) {
        return {grpc::StatusCode::FAILED_PRECONDITION, "etcdserver: authentication is not enabled"};
      }
      const int login = ++fake_.logins;
      if (request->name() != fake_.state.username || request->password() != fake_.state.password) {
        return {grpc::StatusCode::INVALID_ARGUMENT,
                "etcdserver: authentication failed, invalid user ID or password"};
      }
      const std::string& token = fake_.state.token;
      response->set_token(token.empty() ? fmt::format("token-canary.{}", login) : token);
      fake_.tokens.insert(response->token());
      return grpc::Status::OK;
    }

   private:
    Impl& fake_;
  };

  Maintenance maintenance_;
  Kv kv_;
  Cluster cluster_;
  Auth auth_;
  std::unique_ptr<grpc::Server> server_;
};

FakeEtcd::FakeEtcd() : impl_(std::make_unique<Impl>()) {}
FakeEtcd::~FakeEtcd() = default;

std::string FakeEtcd::endpoint() const { return fmt::format("http://127.0.0.1:{}", impl_->port); }

void FakeEtcd::Set(const std::function<void(FakeState&)>& change) {
  const std::lock_guard lock(impl_->mutex);
  change(impl_->state);
}

void FakeEtcd::ForgetTokens() {
  const std::lock_guard lock(impl_->mutex);
  impl_->tokens.clear();
}

int FakeEtcd::logins() const { return impl_->logins; }
int FakeEtcd::writes() const { return impl_->writes; }
int FakeEtcd::open_snapshots() const { return impl_->open_snapshots; }

SnapshotScript GoodSnapshot(std::string_view database) {
  Sha256 sha256;
  sha256.Update(database);
  SnapshotScript script;
  for (size_t at = 0; at < database.size(); at += kBlobBytes) {
    const std::string_view blob = database.substr(at, kBlobBytes);
    script.messages.push_back({std::string(blob), database.size() - at - blob.size(), ""});
  }
  script.messages.push_back({sha256.Finish(), 0, ""});
  return script;
}

SnapshotScript CutSnapshot(std::string_view database, size_t size) {
  SnapshotScript script;
  for (etcd::SnapshotMessage& message : GoodSnapshot(database).messages) {
    if (size == 0) break;
    message.blob.resize(std::min(message.blob.size(), size));
    size -= message.blob.size();
    script.messages.push_back(std::move(message));
  }
  script.end = SnapshotScript::End::kUnavailable;
  return script;
}

}  // namespace etcdrill::testing
