// What was asked of a site, how much went there and came from there, and what failed, for the
// metrics. One meter belongs to a site, outlives its stores, and counts on over a reload.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "base/names.h"
#include "base/reason.h"
#include "objects/object_store.h"

namespace etcdrill::objects {

// The calls of ObjectStore. A put is a writer, whatever it appends.
enum class Operation { kPut, kGet, kHead, kList, kDelete, kSetLock, kListVersions, kSweep };

struct Traffic {
  std::map<Operation, uint64_t> calls;
  // By the store, so without the errors of sinks and visitors; and without kNotFound and
  // kInterrupted, which are answers.
  std::map<Reason, uint64_t> failures;
  uint64_t bytes_sent = 0;      // taken by writers, whether or not they finished
  uint64_t bytes_received = 0;  // that sinks took

  bool operator==(const Traffic&) const = default;
};

// Safe for use from any thread.
class Meter {
 public:
  void CountCall(Operation operation);
  void CountFailure(const Status& status);  // passes over what is none
  void CountSent(uint64_t bytes);
  void CountReceived(uint64_t bytes);
  Traffic Read() const;

 private:
  mutable std::mutex mutex_;
  Traffic traffic_;  // guarded by mutex_
};

// `meter` must outlive the store and its writers. Below WithRetries each try counts.
std::unique_ptr<ObjectStore> Metered(std::unique_ptr<ObjectStore> inner, Meter& meter);

}  // namespace etcdrill::objects

namespace etcdrill {

template <>
inline constexpr auto kNames<objects::Operation> = Names("put", "get", "head", "list", "delete",
                                                         "set_lock", "list_versions", "sweep");

}  // namespace etcdrill
