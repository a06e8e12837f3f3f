// See snapshot_stream.h. A large snapshot may take hours, so the limit of the call is a long one,
// and each Next() waits at most no_progress_timeout besides, which takes a completion queue: gRPC's
// blocking reads know no limit. The time that the caller spends between two Next(), on a slow disk,
// say, is no lack of progress.
#include "etcd/snapshot_stream.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include "base/check.h"
#include "base/units.h"
#include "etcd/call.h"
#include "etcd/channel.h"
#include "etcd/errors.h"
#include "proto/etcdserverpb.grpc.pb.h"

namespace etcdrill::etcd {
namespace {

namespace pb = etcdserverpb;

constexpr size_t kMethodIndex = static_cast<size_t>(Method::kSnapshot);
constexpr std::string_view kCall = kMethodNames[kMethodIndex];

// One call with its queue. At most one operation is under way, and nothing it uses goes before it
// has ended.
class StreamCall {
 public:
  enum class Outcome { kDone, kFailed, kTimedOut };

  StreamCall(const std::shared_ptr<grpc::Channel>& connection, const std::string& token,
             gpr_timespec end, const std::stop_token& stop)
      : cancel_(context_, stop) {
    context_.set_deadline(end);
    if (!token.empty()) context_.AddMetadata("token", token);
    reader_ = pb::Maintenance::Stub(connection)
                  .AsyncSnapshot(&context_, pb::SnapshotRequest(), &queue_, this);
    pending_ = true;
  }
  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;
  ~StreamCall() {
    context_.TryCancel();
    if (pending_) Wait(kForever);
    queue_.Shutdown();
    Wait(kForever);  // for the queue's own end
  }

  // kDone: there is a message(). kFailed: the stream has ended, Finish tells how. kTimedOut: the
  // call is of no use any more. The first Read also waits for the call to be sent.
  Outcome Read(gpr_timespec deadline) {
    if (pending_ && Wait(deadline) == Outcome::kTimedOut) return Outcome::kTimedOut;
    reader_->Read(&message_, this);
    pending_ = true;
    return Wait(deadline);
  }

  pb::SnapshotResponse& message() { return message_; }

  // The final status; after Read has failed. It is known by then and takes no waiting.
  grpc::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, this);
    pending_ = true;
    CHECK(Wait(kForever) == Outcome::kDone);
    return status;
  }

 private:
  inline static const gpr_timespec kForever = gpr_inf_future(GPR_CLOCK_MONOTONIC);

  Outcome Wait(gpr_timespec deadline) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT)
      return Outcome::kTimedOut;
    pending_ = false;
    return ok ? Outcome::kDone : Outcome::kFailed;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  pb::SnapshotResponse message_;
  std::unique_ptr<grpc::ClientAsyncReader<pb::SnapshotResponse>> reader_;
  bool pending_ = false;
  const CancelOnStop cancel_;  // last: gone before what it cancels
};

class GrpcSnapshotStream final : public SnapshotStream {
 public:
  GrpcSnapshotStream(std::shared_ptr<Channel> channel, Duration limit)
      : channel_(std::move(channel)), limit_(limit), end_(DeadlineAfter(limit)) {
    ++channel_->counts().requests[kMethodIndex];
  }

  Result<std::optional<SnapshotMessage>> Next() override {
    CHECK(!ended_);
    Result<std::optional<SnapshotMessage>> message = ReadOn();
    ended_ = !message.ok() || !message->has_value();
    if (!message.ok()) ++channel_->counts().failures[kMethodIndex];
    return message;
  }

 private:
  Result<std::optional<SnapshotMessage>> ReadOn() {
    if (call_ == nullptr) RETURN_IF_ERROR(Start());
    const gpr_timespec deadline = DeadlineAfter(channel_->options().no_progress_timeout);
    // Empty messages are skipped, on the same deadline, however quickly they come.
    while (gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), deadline) < 0) {
      const StreamCall::Outcome outcome = call_->Read(deadline);
      if (outcome == StreamCall::Outcome::kTimedOut) break;
      if (outcome == StreamCall::Outcome::kDone) {
        if (call_->message().blob().empty()) continue;
        return Take(call_->message());
      }
      const grpc::Status end = call_->Finish();
      if (end.ok()) return std::nullopt;
      if (!LogInAgain(end)) return ErrorOf(end);
      RETURN_IF_ERROR(Start());
    }
    return Stalled();
  }

  Status Start() {
    connection_ = channel_->Connection();
    ASSIGN_OR_RETURN(token_,
                     channel_->login().Token(connection_, channel_->address(),
                                             DeadlineAfter(channel_->options().command_timeout)));
    call_ = std::make_unique<StreamCall>(connection_, token_, end_, channel_->context().stop);
    return OkStatus();
  }

  // Once, and only before the first message: a token is looked at when the call starts.
  bool LogInAgain(const grpc::Status& end) {
    if (received_bytes_ != 0 || logged_in_again_ || !NeedsNewLogin(end)) return false;
    logged_in_again_ = true;
    return channel_->login().Forget(token_);
  }

  SnapshotMessage Take(pb::SnapshotResponse& from) {
    received_bytes_ += from.blob().size();
    return {std::move(*from.mutable_blob()), from.remaining_bytes(), Said(from.version())};
  }

  Status ErrorOf(const grpc::Status& end) const {
    Status error = FromGrpc(end, channel_->address(), kCall, connection_, channel_->context().stop);
    if (received_bytes_ == 0 || IsInterrupted(error)) return error;
    if (end.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      return Error(Reason::kTimeout,
                   "{}: {}: only {} bytes received within {}: the member hangs or the network is "
                   "slow. Check both, or raise snapshot.timeout (of a command: --timeout)",
                   channel_->address().written, kCall, received_bytes_, FormatDuration(limit_));
    }
    return Error(Reason::kStreamCut, "{} (snapshot stream lost after {} bytes)", MessageOf(error),
                 received_bytes_);
  }

  Status Stalled() const {
    if (received_bytes_ == 0)
      RETURN_IF_ERROR(NotConnectedInTime(channel_->address(), kCall, connection_));
    return Error(
        Reason::kStreamStalled,
        "{}: {}: snapshot stream stalled for {} after {} bytes. Check the member and the network",
        channel_->address().written, kCall, FormatDuration(channel_->options().no_progress_timeout),
        received_bytes_);
  }

  const std::shared_ptr<Channel> channel_;
  const Duration limit_;
  const gpr_timespec end_;
  // Null before the first Next.
  std::shared_ptr<grpc::Channel> connection_;
  std::unique_ptr<StreamCall> call_;
  std::string token_;  // that call_ was made with
  bool logged_in_again_ = false;
  bool ended_ = false;
  uint64_t received_bytes_ = 0;
};

}  // namespace

std::unique_ptr<SnapshotStream> OpenSnapshotStream(std::shared_ptr<Channel> channel,
                                                   Duration limit) {
  return std::make_unique<GrpcSnapshotStream>(std::move(channel), limit);
}

}  // namespace etcdrill::etcd
