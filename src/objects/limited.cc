// The bucket is kept as the time up to which the line is paid for: a taker moves that time on by
// what its bytes cost, and waits until then. So takers queue in the order in which they came, and
// none needs to wake another.
#include "objects/limited.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "objects/forwarding.h"

namespace etcdrill::objects {
namespace {

// Moved at a time: small enough that two who share the line take turns, and that a connection does
// not look dead while one waits.
constexpr size_t kPieceBytes = size_t{64} << 10;
constexpr Duration kBurst = std::chrono::seconds(1);

// Safe for use from any thread.
class TokenBucket {
 public:
  TokenBucket(const Context& context, std::optional<uint64_t> per_second)
      : context_(context), per_second_(per_second) {
    CHECK(per_second_ != 0U);
  }

  // Hands the bytes to `move` piece by piece, each when its time has come.
  template <typename Move>
  Status Pass(std::string_view bytes, const Move& move) {
    if (!per_second_.has_value()) return move(bytes);
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kPieceBytes);
      RETURN_IF_ERROR(Take(piece.size()));
      RETURN_IF_ERROR(move(piece));
      bytes.remove_prefix(piece.size());
    }
    return OkStatus();
  }

 private:
  Status Take(uint64_t bytes) {
    const double seconds = static_cast<double>(bytes) / static_cast<double>(*per_second_);
    const auto cost = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    MonotonicTime paid;
    {
      const std::lock_guard lock(mutex_);
      paid_until_ = std::max(paid_until_, context_.clock.Monotonic() - kBurst) + cost;
      paid = paid_until_;
    }
    return context_.clock.SleepUntil(paid, context_.stop) ? OkStatus() : context_.CheckStop();
  }

  const Context& context_;
  const std::optional<uint64_t> per_second_;
  std::mutex mutex_;
  MonotonicTime paid_until_ = MonotonicTime::min();  // guarded by mutex_
};

class LimitedWriter final : public ObjectWriter {
 public:
  LimitedWriter(std::unique_ptr<ObjectWriter> inner, TokenBucket& bucket)
      : inner_(std::move(inner)), bucket_(bucket) {}

  Status Append(std::string_view bytes) override {
    const Status appended =
        bucket_.Pass(bytes, [this](std::string_view piece) { return inner_->Append(piece); });
    if (!appended.ok()) failed_ = appended;
    return appended;
  }
  // The inner writer does not know of pieces that a stop kept from it.
  Result<ObjectInfo> Finish() override {
    RETURN_IF_ERROR(failed_);
    return inner_->Finish();
  }

 private:
  const std::unique_ptr<ObjectWriter> inner_;
  TokenBucket& bucket_;
  Status failed_;
};

class LimitedObjects final : public ForwardingObjects {
 public:
  LimitedObjects(std::unique_ptr<ObjectStore> store, const Context& context,
                 const Bandwidth& bandwidth)
      : ForwardingObjects(std::move(store)),
        sent_(context, bandwidth.sent_per_second),
        received_(context, bandwidth.received_per_second) {}

  Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                               const PutOptions& options) override {
    ASSIGN_OR_RETURN(auto writer, inner().Create(name, options));
    return std::make_unique<LimitedWriter>(std::move(writer), sent_);
  }
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    const ByteSink paced = [&](std::string_view bytes) { return received_.Pass(bytes, sink); };
    return inner().Get(name, range, paced, version_id);
  }

 private:
  TokenBucket sent_;
  TokenBucket received_;
};

}  // namespace

std::unique_ptr<ObjectStore> Limited(std::unique_ptr<ObjectStore> inner, const Context& context,
                                     const Bandwidth& bandwidth) {
  return std::make_unique<LimitedObjects>(std::move(inner), context, bandwidth);
}

}  // namespace etcdrill::objects
