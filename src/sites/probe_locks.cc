// Whether a lock binds. It is asked for with the upload, then afterwards, as SealCopy does; and
// then the locked probe is deleted, which must fail: some servers tell of a lock that they do not
// keep.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "sites/lock_object.h"
#include "sites/store_probe.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using objects::Lock;
using objects::ObjectInfo;
using objects::ObjectLockMode;
using objects::ObjectStore;

constexpr Duration kLockedFor = 1min;

}  // namespace

StoreProbe::Answer StoreProbe::AskLockOf(std::string_view what, uint64_t size) {
  // S3 has whole seconds, and wants a time that is to come by its own clock.
  const WallTime until = std::chrono::floor<std::chrono::seconds>(
      context_.clock.Now() + std::max(ahead_, Duration()) + kLockedFor);
  const Lock lock = {store_.lock->mode, until};
  const std::string name = Name(what);
  const auto put = Put(objects_, name, size, lock);
  if (!put.ok()) return Fatal(Annotate(put.status(), "lock"));
  auto head = objects_.Head(name, put->version_id);
  if (!head.ok()) return Fatal(head.status());
  const bool was_late = !Holds(head->lock, lock);
  const Status held = ConfirmLock(objects_, *head, lock).status();
  if (!held.ok()) return Fatal(held);
  return TryToDelete(*head, lock, was_late);
}

// A lock that is told may still be decoration.
StoreProbe::Answer StoreProbe::TryToDelete(const ObjectInfo& locked, const Lock& lock,
                                           bool was_late) {
  const Status refused = objects_.Delete(locked.name, locked.version_id);
  if (IsInterrupted(refused)) return Failed(refused);
  if (refused.ok()) {
    return Fatal(Error(Reason::kLockNotApplied,
                       "{} in {}: the store tells of a lock until {}, and deletes all the same; {}",
                       locked.name, objects_.address(), FormatRfc3339(lock.until), kNoLockFix));
  }
  report_.locked_until = std::max(report_.locked_until.value_or(lock.until), lock.until);
  const std::string until = FormatRfc3339(lock.until);
  if (!Is(refused, Reason::kAccessDenied)) {
    return {ProbeResult::kUnknown, fmt::format("locked until {}, but a try to delete it failed in "
                                               "another way: {}",
                                               until, MessageOf(refused))};
  }
  if (was_late) {
    return {ProbeResult::kNo,
            fmt::format("ignored with the upload; set afterwards, it holds until {}", until),
            "nothing to do: such copies are locked by a second request"};
  }
  const std::string text = fmt::format("it holds until {}: deleting was refused", until);
  if (lock.mode == ObjectLockMode::kGovernance)
    return {ProbeResult::kYes, text, "who may bypass governance can delete copies all the same"};
  return {ProbeResult::kYes, text,
          fmt::format("nobody can delete a copy that is made now before {}",
                      FormatRfc3339(context_.clock.Now() + store_.lock->keep))};
}

StoreProbe::Answer StoreProbe::AskVersions() {
  if (!objects_.properties().has_versions) return {ProbeResult::kNo, "such a site has none"};
  size_t versions = 0;
  const Status listed = objects_.ListVersions(prefix_, [&](const ObjectStore::Version&) {
    ++versions;
    return OkStatus();
  });
  if (HasVersions() && listed.ok())
    return {ProbeResult::kYes, fmt::format("the probes have {}", versions)};
  if (HasVersions()) {
    Answer answer = Failed(listed);
    answer.advice = "grant the right to list versions: else nobody sees what hides a copy";
    return answer;
  }
  if (store_.lock.has_value()) {
    return Fatal(Error(Reason::kLockNotApplied,
                       "{}: the bucket keeps no versions, so it has no object lock; {}",
                       objects_.address(), kNoLockFix));
  }
  return {ProbeResult::kNo, "the bucket keeps none",
          "whoever has these keys can delete and replace copies for good"};
}

}  // namespace etcdrill::sites
