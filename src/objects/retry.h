// Requests to a site fail now and then: a cut connection, a lost answer, "slow down". Each is made
// again after a random wait below a bound that doubles ("full jitter", AWS Architecture Blog,
// "Exponential Backoff And Jitter"), so that many clients whose server comes back do not come back
// all at once. How long the whole may take is io/time_limit.h's to say: this gives up only where
// nothing moves any more.
#pragma once

#include <memory>
#include <optional>

#include "base/reason.h"
#include "base/status.h"
#include "io/context.h"
#include "objects/object_store.h"

namespace etcdrill::objects {

struct RetryLimits {
  Duration first_wait_max = std::chrono::milliseconds(500);
  Duration wait_max = std::chrono::seconds(20);
  // Since the first failure without any progress; so there are two tries at least, unless this is
  // zero.
  Duration give_up_after = std::chrono::minutes(15);
};

// A server that says when to ask again (WithRetryAfter) is obeyed up to here.
inline constexpr Duration kRetryAfterMax = std::chrono::minutes(1);

// Whether the same request may get another answer soon. False for what a person must mend, for a
// full disk, and for what is wrong with the bytes.
bool MayPass(Reason reason);

// The waits between the tries of one request, or of several that follow each other, as the parts of
// an upload. Not thread-safe. `context` must outlive it.
class Backoff {
 public:
  Backoff(const Context& context, const RetryLimits& limits)
      : context_(context), limits_(limits), wait_max_(limits.first_wait_max) {}

  // After a failure: waits, and returns OK if it is time for another try. Else the error to return:
  // the failure itself, with how often was tried; kInterrupted if a stop was requested.
  Status Wait(const Status& failure);
  // Something got through: patience and waits begin anew.
  void Progressed();

 private:
  const Context& context_;
  const RetryLimits limits_;
  Duration wait_max_;
  int failures_ = 0;  // since the last progress
  MonotonicTime failing_since_;
};

// A store whose calls are made again while that may help. `context` must outlive it.
// - Puts are not: a writer's bytes came from its caller, who alone can send them again, or ask Head
//   whether they have arrived.
// - A Get goes on behind the bytes that it has delivered. If the object is another one then, by
//   Head, it is kIoError. So it costs a Head more, unless it asks for a range of at most 1 MiB:
//   that is collected, and repeated whole.
// - A List goes on behind the last name; ListVersions collects its answer before the first visit.
// - A Delete whose answer was lost may hide the object twice in a bucket with versions.
// - Sweep counts what its last try found.
// The errors of sinks and visitors are never a reason to try again.
std::unique_ptr<ObjectStore> WithRetries(std::unique_ptr<ObjectStore> inner, const Context& context,
                                         const RetryLimits& limits = {});

}  // namespace etcdrill::objects
