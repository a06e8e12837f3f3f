#include "objects/retry.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "objects/forwarding.h"

namespace etcdrill::objects {
namespace {

constexpr uint64_t kCollectedBytesMax = uint64_t{1} << 20;

// What is left of a range behind its first bytes.
ByteRange Behind(const ByteRange& range, uint64_t bytes) {
  ByteRange rest{.offset = range.offset + bytes};
  if (range.size.has_value()) rest.size = *range.size - std::min(*range.size, bytes);
  return rest;
}

// As far as the store tells. Some give no etag.
bool IsSame(const ObjectInfo& a, const ObjectInfo& b) {
  return a.etag == b.etag && a.size == b.size && a.modified == b.modified &&
         a.version_id == b.version_id;
}

class RetryingObjects final : public ForwardingObjects {
 public:
  RetryingObjects(std::unique_ptr<ObjectStore> store, const Context& context,
                  const RetryLimits& limits)
      : ForwardingObjects(std::move(store)), context_(context), limits_(limits) {}

  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    if (range.size.has_value() && *range.size <= kCollectedBytesMax)
      return GetCollected(name, range, sink, version_id);
    return GetOnwards(name, range, sink, version_id);
  }
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override {
    return Repeat([&] { return inner().Head(name, version_id); });
  }
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override;
  Status Delete(const std::string& name, const std::string& version_id) override {
    return Repeat([&] { return inner().Delete(name, version_id); });
  }
  Status SetLock(const std::string& name, const std::string& version_id,
                 const Lock& lock) override {
    return Repeat([&] { return inner().SetLock(name, version_id, lock); });
  }
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override;
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override {
    return Repeat([&] { return inner().Sweep(prefix, before); });
  }

 private:
  template <typename Call>
  auto Repeat(const Call& call) -> decltype(call()) {
    Backoff backoff(context_, limits_);
    while (true) {
      auto result = call();
      if (result.ok()) return result;
      RETURN_IF_ERROR(backoff.Wait(StatusOf(result)));
    }
  }
  Status GetCollected(const std::string& name, const ByteRange& range, const ByteSink& sink,
                      const std::string& version_id);
  Status GetOnwards(const std::string& name, const ByteRange& range, const ByteSink& sink,
                    const std::string& version_id);
  // kIoError if it is not what it was.
  Status CheckSame(const std::string& name, const std::string& version_id,
                   const ObjectInfo& before);

  const Context& context_;
  const RetryLimits limits_;
};

Status RetryingObjects::GetCollected(const std::string& name, const ByteRange& range,
                                     const ByteSink& sink, const std::string& version_id) {
  std::string collected;
  const ByteSink collect = [&](std::string_view bytes) {
    collected += bytes;
    return OkStatus();
  };
  RETURN_IF_ERROR(Repeat([&] {
    collected.clear();
    return inner().Get(name, range, collect, version_id);
  }));
  return collected.empty() ? OkStatus() : sink(collected);
}

Status RetryingObjects::GetOnwards(const std::string& name, const ByteRange& range,
                                   const ByteSink& sink, const std::string& version_id) {
  ASSIGN_OR_RETURN(const ObjectInfo before, Head(name, version_id));
  Backoff backoff(context_, limits_);
  uint64_t delivered = 0;
  for (bool resumed = false;; resumed = delivered > 0) {
    if (resumed) RETURN_IF_ERROR(CheckSame(name, version_id, before));
    const uint64_t delivered_before = delivered;
    Status sunk;
    const ByteSink deliver = [&](std::string_view bytes) -> Status {
      sunk = sink(bytes);
      if (sunk.ok()) delivered += bytes.size();
      return sunk;
    };
    const Status got = inner().Get(name, Behind(range, delivered), deliver, version_id);
    if (!sunk.ok()) return sunk;
    // Once more: it may have changed before this try began.
    if (got.ok()) return resumed ? CheckSame(name, version_id, before) : OkStatus();
    if (delivered > delivered_before) backoff.Progressed();
    RETURN_IF_ERROR(backoff.Wait(got));
  }
}

Status RetryingObjects::CheckSame(const std::string& name, const std::string& version_id,
                                  const ObjectInfo& before) {
  ASSIGN_OR_RETURN(const ObjectInfo now, Head(name, version_id));
  if (IsSame(now, before)) return OkStatus();
  return Error(Reason::kIoError,
               "read {} of {}: the object was replaced while it was read (etag {} and {} bytes, "
               "then {} and {}); names are never written twice by etcdrill: who else writes there?",
               name, address(), before.etag, before.size, now.etag, now.size);
}

Status RetryingObjects::List(const std::string& prefix, const std::string& after,
                             const Visit& visit) {
  Backoff backoff(context_, limits_);
  std::string last = after;
  while (true) {
    const std::string last_before = last;
    Status visited;
    const Status listed = inner().List(prefix, last, [&](const ObjectInfo& object) -> Status {
      last = object.name;
      visited = visit(object);
      return visited;
    });
    if (!visited.ok()) return visited;
    if (listed.ok()) return listed;
    if (last != last_before) backoff.Progressed();
    RETURN_IF_ERROR(backoff.Wait(listed));
  }
}

Status RetryingObjects::ListVersions(const std::string& prefix, const VisitVersion& visit) {
  std::vector<Version> versions;
  RETURN_IF_ERROR(Repeat([&] {
    versions.clear();
    return inner().ListVersions(prefix, [&](const Version& version) {
      versions.push_back(version);
      return OkStatus();
    });
  }));
  for (const Version& version : versions) RETURN_IF_ERROR(visit(version));
  return OkStatus();
}

}  // namespace

bool MayPass(Reason reason) {
  switch (reason) {
    case Reason::kBusy:
    case Reason::kConnect:
    case Reason::kTimeout:
    case Reason::kStreamCut:
    case Reason::kStreamShort:
    case Reason::kStreamStalled:
    case Reason::kTooManyFiles:
    case Reason::kIoError:
      return true;
    default:
      return false;
  }
}

Status Backoff::Wait(const Status& failure) {
  if (!MayPass(ReasonOf(failure))) return failure;
  const MonotonicTime now = context_.clock.Monotonic();
  if (failures_ == 0) failing_since_ = now;
  ++failures_;
  const auto limit = static_cast<uint64_t>(wait_max_.count());
  Duration wait(static_cast<int64_t>(context_.random.Next() % (limit + 1)));
  wait = std::max(wait, std::min(RetryAfterOf(failure).value_or(Duration::zero()), kRetryAfterMax));
  wait_max_ = std::min(2 * wait_max_, limits_.wait_max);
  const Duration failing = now - failing_since_;
  if (failing + wait > limits_.give_up_after) {
    if (failures_ == 1) return failure;
    return Annotate(failure, "tried {} times in {}", failures_, FormatDuration(failing));
  }
  if (!context_.clock.SleepFor(wait, context_.stop)) return context_.CheckStop();
  return OkStatus();
}

void Backoff::Progressed() {
  failures_ = 0;
  wait_max_ = limits_.first_wait_max;
}

std::unique_ptr<ObjectStore> WithRetries(std::unique_ptr<ObjectStore> inner, const Context& context,
                                         const RetryLimits& limits) {
  return std::make_unique<RetryingObjects>(std::move(inner), context, limits);
}

}  // namespace etcdrill::objects
