#include "sites/lock_object.h"

#include <fmt/format.h>

#include <chrono>

#include "objects/retry.h"
#include "sites/layout.h"

namespace etcdrill::sites {

using objects::Lock;

bool Holds(const std::optional<Lock>& held, const Lock& wanted) {
  return held.has_value() && held->until >= wanted.until &&
         (held->mode == wanted.mode || held->mode == objects::ObjectLockMode::kCompliance);
}

std::string LockText(const std::optional<Lock>& lock) {
  if (!lock.has_value()) return "no lock";
  return fmt::format("{} until {}", NameOf(lock->mode), FormatRfc3339(lock->until));
}

Status NotThere(const Status& status) {
  if (!Is(status, Reason::kNotFound)) return status;
  return Error(Reason::kIoError,
               "{}; it was written a moment ago: the site lost it, or lags behind",
               MessageOf(status));
}

Result<Lock> ConfirmLock(objects::ObjectStore& site, const objects::ObjectInfo& there,
                         const Lock& wanted) {
  if (Holds(there.lock, wanted)) return *there.lock;
  const Status set = site.SetLock(there.name, there.version_id, wanted);
  if (IsInterrupted(set) || (!set.ok() && objects::MayPass(ReasonOf(set)))) return set;
  std::optional<Lock> held = there.lock;
  if (set.ok()) {
    const auto again = site.Head(there.name, there.version_id);
    if (!again.ok()) return NotThere(again.status());
    held = again->lock;
    if (Holds(held, wanted)) return *held;
  }
  return Error(Reason::kLockNotApplied,
               "lock {} at {}: {} was asked for twice, and the site holds {}{}{}; {}", there.name,
               site.address(), LockText(wanted), LockText(held), set.ok() ? "" : ": ",
               MessageOf(set), kNoLockFix);
}

Status ExtendLock(objects::ObjectStore& site, const CopyRecord& record, const Lock& lock) {
  Lock wanted = lock;
  wanted.until = std::chrono::ceil<std::chrono::seconds>(lock.until);  // sites know no less
  ASSIGN_OR_RETURN(const auto bytes, site.Head(record.key(), record.version_id));
  RETURN_IF_ERROR(ConfirmLock(site, bytes, wanted).status());
  ASSIGN_OR_RETURN(const auto manifest, site.Head(ManifestKey(record.copy)));
  return ConfirmLock(site, manifest, wanted).status();
}

}  // namespace etcdrill::sites
