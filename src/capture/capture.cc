// The stream's rules: remaining_bytes counts down by the size of each blob; at 0 one more message
// brings exactly the 32 bytes of the SHA-256; then the stream ends with status OK.
#include "capture/capture.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/bytes.h"
#include "capture/member_choice.h"
#include "crypto/hash.h"
#include "etcd/snapshot_stream.h"

namespace etcdrill::capture {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr Duration kLongestPause = std::chrono::seconds(10);
constexpr size_t kTrailerBytes = Sha256::kSize;
constexpr uint64_t kReserveMax = uint64_t{64} << 20;
constexpr uint64_t kGrowthMax = uint64_t{128} << 20;  // of half a database

// Follows the protocol message by message, and knows at the end whether the file is whole.
class StreamJudge {
 public:
  Status OnMessage(const etcd::SnapshotMessage& message) {
    if (trailer_seen_)
      return Error(Reason::kStreamShort,
                   "the stream continues after its SHA-256, which should be its end");
    if (!total_.has_value()) total_ = message.blob.size() + message.remaining_bytes;
    if (received_ == *total_) return OnTrailer(message);
    received_ += message.blob.size();
    if (received_ > *total_ || message.remaining_bytes != *total_ - received_) {
      return Error(Reason::kStreamShort,
                   "etcd announced {} bytes, but reports after {} that {} remain", *total_,
                   received_, message.remaining_bytes);
    }
    sum_.Update(message.blob);
    return OkStatus();
  }

  Status OnEnd() const {
    if (trailer_seen_) return OkStatus();
    return Error(Reason::kStreamShort, "the stream ended after {} of {} bytes, without its SHA-256",
                 received_, total_.value_or(0));
  }

  uint64_t received() const { return received_; }
  uint64_t total() const { return total_.value_or(0); }
  std::string FinishSha256() { return Hex(sum_.Finish()); }

 private:
  Status OnTrailer(const etcd::SnapshotMessage& message) {
    trailer_seen_ = true;
    if (message.blob.size() != kTrailerBytes) {
      return Error(Reason::kStreamShort,
                   "the last message has {} bytes, expected the {} of a SHA-256",
                   message.blob.size(), kTrailerBytes);
    }
    const std::string actual = sum_.Peek();
    if (actual != message.blob) {
      return Error(Reason::kTrailerMismatch, "the bytes received have SHA-256 {}, etcd sent {}",
                   Hex(actual), Hex(message.blob));
    }
    sum_.Update(message.blob);
    return OkStatus();
  }

  std::optional<uint64_t> total_;  // of the database, without trailer
  uint64_t received_ = 0;
  bool trailer_seen_ = false;
  Sha256 sum_;  // of the database; with the trailer, of the whole file
};

// What stays free at least.
uint64_t Reserve(const SpaceInfo& space) { return std::min(kReserveMax, space.size_bytes / 20); }

// The first message says how much will come. Before anything is written: a stream that does not end
// would fill the file system.
Status CheckAnnounced(const Context& context, const CaptureInput& input,
                      const etcd::MemberStatus& source, uint64_t announced) {
  // Databases grow, but not so much since the member was asked.
  if (announced / 2 > static_cast<uint64_t>(source.db_size_bytes) + kGrowthMax) {
    return Error(Reason::kStreamTooLarge,
                 "etcd announced {} bytes, but reported a database of {}: the endpoint is faulty, "
                 "or not an etcd member",
                 announced, source.db_size_bytes);
  }
  return CheckSpace(context, input.temp_path, "the announced snapshot", announced);
}

Status Receive(const Context& context, const CaptureInput& input, const etcd::MemberStatus& source,
               etcd::SnapshotStream& stream, DurableFile& file, StreamJudge& judge) {
  for (bool first = true;; first = false) {
    ASSIGN_OR_RETURN(const auto message, stream.Next());
    if (!message.has_value()) return judge.OnEnd();
    RETURN_IF_ERROR(judge.OnMessage(*message));
    if (first) RETURN_IF_ERROR(CheckAnnounced(context, input, source, judge.total()));
    RETURN_IF_ERROR(file.Append(message->blob));
    input.on_progress(judge.received(), judge.total());
  }
}

Result<CaptureResult> CaptureFrom(const Context& context, const CaptureInput& input,
                                  Candidate candidate) {
  const etcd::Endpoint& endpoint = input.client.endpoints()[candidate.endpoint];
  const Stopwatch watch(context.clock);
  RETURN_IF_ERROR(Annotate(CheckSpace(context, input.temp_path, "the database",
                                      static_cast<uint64_t>(candidate.status.db_size_bytes)),
                           "snapshot from " + endpoint.address()));
  ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(context.fs, input.temp_path));
  const WallTime taken = context.clock.Now();
  ASSIGN_OR_RETURN(const auto stream, endpoint.Snapshot(input.timeout));
  StreamJudge judge;
  RETURN_IF_ERROR(Annotate(Receive(context, input, candidate.status, *stream, file, judge),
                           "snapshot from " + endpoint.address()));
  return CaptureResult{std::move(file),
                       judge.total() + kTrailerBytes,
                       judge.FinishSha256(),
                       taken,
                       endpoint.address(),
                       std::move(candidate.why),
                       std::move(candidate.status),
                       watch.Seconds()};
}

}  // namespace

Status CheckSpace(const Context& context, const std::string& path, std::string_view what,
                  uint64_t needed) {
  ASSIGN_OR_RETURN(const SpaceInfo space, context.fs.Space(DirName(path)));
  const uint64_t reserve = Reserve(space);
  if (space.available_bytes >= reserve && space.available_bytes - reserve >= needed)
    return OkStatus();
  return Error(Reason::kNoSpace,
               "{} has {} bytes free, of which {} are reserved; {} has {}. Free space or use "
               "another directory",
               DirName(path), space.available_bytes, reserve, what, needed);
}

Result<CaptureResult> Capture(const Context& context, const CaptureInput& input) {
  const etcd::RollCall roll = etcd::CallRoll(input.client, input.known_cluster);
  ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                   ChooseMembers(input.client, roll, input.distrusted));
  Status failed;
  std::vector<std::string> refused;
  Duration pause = kFirstPause;
  for (size_t i = 0;; ++i) {
    auto captured = CaptureFrom(context, input, candidates[i]);
    if (captured.ok()) {
      for (const std::string& why : refused) {
        context.log.Warn("snapshot endpoint skipped", {{"err", why}});
      }
      captured->remarks = roll.Remarks();
      return captured;
    }
    // Another member may be defragmented, and fit.
    const bool go_on = ReasonOf(captured.status()) == Reason::kNoSpace ||
                       etcd::Client::AnotherMayAnswer(captured.status());
    if (!go_on) return captured;
    refused.emplace_back(MessageOf(captured.status()));
    failed = etcd::Client::MoreTelling(failed, captured.status());
    if (i + 1 == candidates.size()) {
      return i == 0 ? failed
                    : Annotate(failed, "no snapshot from any of {} endpoints; one of them", i + 1);
    }
    if (!context.clock.SleepFor(pause, context.stop))
      return Error(Reason::kInterrupted, "interrupted");
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace etcdrill::capture
