// A store around another one, of which any call can be made to fail: before it does anything, or
// after it has done all of it, so that only the answer is lost.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "objects/object_store.h"

namespace etcdrill::testing {

enum class ObjectCall {
  kCreate,
  kAppend,
  kFinish,
  kGet,
  kHead,
  kList,
  kDelete,
  kSetLock,
  kListVersions,
  kSweep,
};

struct ObjectFault {
  uint64_t call = 0;  // counted from 0
  Reason reason = Reason::kConnect;
  bool takes_effect = false;  // the answer is lost
  bool lasts = false;         // all calls from then on
  // Of a Get, List or ListVersions: how many bytes, or entries, come before it breaks off.
  uint64_t delivered = 0;
  std::optional<Duration> retry_after = {};
};

// Safe for use from any thread. The store inside must outlive it, and it its writers.
class FaultyObjects final : public objects::ObjectStore {
 public:
  explicit FaultyObjects(objects::ObjectStore& inner) : inner_(inner) {}

  // Counts from now on.
  void Inject(std::vector<ObjectFault> faults);
  // What was called since.
  std::vector<ObjectCall> calls() const;

  Result<std::unique_ptr<objects::ObjectWriter>> Create(
      const std::string& name, const objects::PutOptions& options) override;
  Status Get(const std::string& name, const objects::ByteRange& range, const ByteSink& sink,
             const std::string& version_id = "") override;
  Result<objects::ObjectInfo> Head(const std::string& name,
                                   const std::string& version_id = "") override;
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override;
  Status Delete(const std::string& name, const std::string& version_id = "") override;
  Status SetLock(const std::string& name, const std::string& version_id,
                 const objects::Lock& lock) override;
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override;
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override;
  objects::Properties properties() const override { return inner_.properties(); }
  const std::string& address() const override { return inner_.address(); }

 private:
  class Writer;

  // Counts the call; the fault that it is to have, if any.
  std::optional<ObjectFault> Begin(ObjectCall call);
  template <typename Act>
  auto Do(ObjectCall call, const Act& act) -> decltype(act());
  // The same for a call that hands over entries, each of which is one of `delivered`.
  template <typename Act>
  Status DoDelivering(ObjectCall call, const Act& act);

  objects::ObjectStore& inner_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<ObjectFault> faults_;
  std::vector<ObjectCall> calls_;
};

}  // namespace etcdrill::testing
