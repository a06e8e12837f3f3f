#include "objects/metered.h"

#include <utility>

#include "objects/forwarding.h"

namespace etcdrill::objects {
namespace {

class MeteredWriter final : public ObjectWriter {
 public:
  MeteredWriter(std::unique_ptr<ObjectWriter> inner, Meter& meter)
      : inner_(std::move(inner)), meter_(meter) {}

  Status Append(std::string_view bytes) override {
    const Status appended = inner_->Append(bytes);
    if (appended.ok()) meter_.CountSent(bytes.size());
    return Counted(appended);
  }
  Result<ObjectInfo> Finish() override {
    auto finished = inner_->Finish();
    Counted(finished.status()).IgnoreError();
    return finished;
  }

 private:
  // A put fails once, however often it says so.
  Status Counted(const Status& status) {
    if (!status.ok() && !std::exchange(failed_, true)) meter_.CountFailure(status);
    return status;
  }

  const std::unique_ptr<ObjectWriter> inner_;
  Meter& meter_;
  bool failed_ = false;
};

class MeteredObjects final : public ForwardingObjects {
 public:
  MeteredObjects(std::unique_ptr<ObjectStore> store, Meter& meter)
      : ForwardingObjects(std::move(store)), meter_(meter) {}

  Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                               const PutOptions& options) override {
    return Count(Operation::kPut, [&]() -> Result<std::unique_ptr<ObjectWriter>> {
      ASSIGN_OR_RETURN(auto writer, inner().Create(name, options));
      return std::make_unique<MeteredWriter>(std::move(writer), meter_);
    });
  }
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    return CountVisits(Operation::kGet, [&](const auto& note) {
      const ByteSink counted = [&](std::string_view bytes) -> Status {
        const Status sunk = note(sink(bytes));
        if (sunk.ok()) meter_.CountReceived(bytes.size());
        return sunk;
      };
      return inner().Get(name, range, counted, version_id);
    });
  }
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override {
    return Count(Operation::kHead, [&] { return inner().Head(name, version_id); });
  }
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override {
    return CountVisits(Operation::kList, [&](const auto& note) {
      return inner().List(prefix, after, [&](const ObjectInfo& o) { return note(visit(o)); });
    });
  }
  Status Delete(const std::string& name, const std::string& version_id) override {
    return Count(Operation::kDelete, [&] { return inner().Delete(name, version_id); });
  }
  Status SetLock(const std::string& name, const std::string& version_id,
                 const Lock& lock) override {
    return Count(Operation::kSetLock, [&] { return inner().SetLock(name, version_id, lock); });
  }
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override {
    return CountVisits(Operation::kListVersions, [&](const auto& note) {
      return inner().ListVersions(prefix, [&](const Version& v) { return note(visit(v)); });
    });
  }
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override {
    return Count(Operation::kSweep, [&] { return inner().Sweep(prefix, before); });
  }

 private:
  template <typename Call>
  auto Count(Operation operation, const Call& call) -> decltype(call()) {
    meter_.CountCall(operation);
    auto result = call();
    meter_.CountFailure(StatusOf(result));
    return result;
  }
  // The same for a call that hands things to its caller, whose own errors are none of the store's:
  // `call` notes what the caller said.
  template <typename Call>
  Status CountVisits(Operation operation, const Call& call) {
    meter_.CountCall(operation);
    bool refused = false;
    const Status status = call([&refused](Status said) {
      refused = refused || !said.ok();
      return said;
    });
    if (!refused) meter_.CountFailure(status);
    return status;
  }

  Meter& meter_;
};

}  // namespace

void Meter::CountCall(Operation operation) {
  const std::lock_guard lock(mutex_);
  ++traffic_.calls[operation];
}

void Meter::CountFailure(const Status& status) {
  if (status.ok() || Is(status, Reason::kNotFound) || IsInterrupted(status)) return;
  const std::lock_guard lock(mutex_);
  ++traffic_.failures[ReasonOf(status)];
}

void Meter::CountSent(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  traffic_.bytes_sent += bytes;
}

void Meter::CountReceived(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  traffic_.bytes_received += bytes;
}

Traffic Meter::Read() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

std::unique_ptr<ObjectStore> Metered(std::unique_ptr<ObjectStore> inner, Meter& meter) {
  return std::make_unique<MeteredObjects>(std::move(inner), meter);
}

}  // namespace etcdrill::objects
