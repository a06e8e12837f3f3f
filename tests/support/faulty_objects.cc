#include "support/faulty_objects.h"

#include <limits>
#include <utility>

namespace etcdrill::testing {
namespace {

Status ErrorOf(const ObjectFault& fault) {
  const Status error = Error(fault.reason, "injected");
  return fault.retry_after.has_value() ? WithRetryAfter(error, *fault.retry_after) : error;
}

}  // namespace

class FaultyObjects::Writer final : public objects::ObjectWriter {
 public:
  Writer(FaultyObjects& store, std::unique_ptr<objects::ObjectWriter> inner)
      : store_(store), inner_(std::move(inner)) {}

  Status Append(std::string_view bytes) override {
    return Keep(store_.Do(ObjectCall::kAppend, [&] { return inner_->Append(bytes); }));
  }
  Result<objects::ObjectInfo> Finish() override {
    RETURN_IF_ERROR(failed_);
    return store_.Do(ObjectCall::kFinish, [&] { return inner_->Finish(); });
  }

 private:
  // A writer that has failed never finishes.
  Status Keep(const Status& status) {
    if (!status.ok()) failed_ = status;
    return status;
  }

  FaultyObjects& store_;
  const std::unique_ptr<objects::ObjectWriter> inner_;
  Status failed_;
};

void FaultyObjects::Inject(std::vector<ObjectFault> faults) {
  const std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
  calls_.clear();
}

std::vector<ObjectCall> FaultyObjects::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::optional<ObjectFault> FaultyObjects::Begin(ObjectCall call) {
  const std::lock_guard lock(mutex_);
  const uint64_t number = calls_.size();
  calls_.push_back(call);
  for (const ObjectFault& fault : faults_) {
    if (fault.lasts ? number >= fault.call : number == fault.call) return fault;
  }
  return std::nullopt;
}

template <typename Act>
auto FaultyObjects::Do(ObjectCall call, const Act& act) -> decltype(act()) {
  const auto fault = Begin(call);
  if (!fault.has_value()) return act();
  if (fault->takes_effect) {
    auto done = act();
    if (!done.ok()) return done;
  }
  return ErrorOf(*fault);
}

template <typename Act>
Status FaultyObjects::DoDelivering(ObjectCall call, const Act& act) {
  const auto fault = Begin(call);
  uint64_t left = fault.has_value() && !fault->takes_effect ? fault->delivered
                                                            : std::numeric_limits<uint64_t>::max();
  // An end at `left` is an end of the answer, too, where nothing more comes.
  const Status done = left == 0 ? OkStatus() : act(left, fault);
  if (!done.ok() || !fault.has_value()) return done;
  return ErrorOf(*fault);
}

Result<std::unique_ptr<objects::ObjectWriter>> FaultyObjects::Create(
    const std::string& name, const objects::PutOptions& options) {
  return Do(ObjectCall::kCreate, [&]() -> Result<std::unique_ptr<objects::ObjectWriter>> {
    ASSIGN_OR_RETURN(auto writer, inner_.Create(name, options));
    return std::make_unique<Writer>(*this, std::move(writer));
  });
}

Status FaultyObjects::Get(const std::string& name, const objects::ByteRange& range,
                          const ByteSink& sink, const std::string& version_id) {
  return DoDelivering(ObjectCall::kGet, [&](uint64_t& left, const auto& fault) {
    const ByteSink cut = [&](std::string_view bytes) -> Status {
      const std::string_view passed = bytes.substr(0, left);
      left -= passed.size();
      if (!passed.empty()) RETURN_IF_ERROR(sink(passed));
      return passed.size() < bytes.size() ? ErrorOf(*fault) : OkStatus();
    };
    return inner_.Get(name, range, cut, version_id);
  });
}

Result<objects::ObjectInfo> FaultyObjects::Head(const std::string& name,
                                                const std::string& version_id) {
  return Do(ObjectCall::kHead, [&] { return inner_.Head(name, version_id); });
}

Status FaultyObjects::List(const std::string& prefix, const std::string& after,
                           const Visit& visit) {
  return DoDelivering(ObjectCall::kList, [&](uint64_t& left, const auto& fault) {
    return inner_.List(prefix, after, [&](const objects::ObjectInfo& object) -> Status {
      return left-- > 0 ? visit(object) : ErrorOf(*fault);
    });
  });
}

Status FaultyObjects::Delete(const std::string& name, const std::string& version_id) {
  return Do(ObjectCall::kDelete, [&] { return inner_.Delete(name, version_id); });
}

Status FaultyObjects::SetLock(const std::string& name, const std::string& version_id,
                              const objects::Lock& lock) {
  return Do(ObjectCall::kSetLock, [&] { return inner_.SetLock(name, version_id, lock); });
}

Status FaultyObjects::ListVersions(const std::string& prefix, const VisitVersion& visit) {
  return DoDelivering(ObjectCall::kListVersions, [&](uint64_t& left, const auto& fault) {
    return inner_.ListVersions(prefix, [&](const Version& version) -> Status {
      return left-- > 0 ? visit(version) : ErrorOf(*fault);
    });
  });
}

Result<size_t> FaultyObjects::Sweep(const std::string& prefix, WallTime before) {
  return Do(ObjectCall::kSweep, [&] { return inner_.Sweep(prefix, before); });
}

}  // namespace etcdrill::testing
