// Locks an object at a site, and asks whether it is locked: some servers take a lock with an upload
// in parts and drop it (docs/dev/adr/0027-sites.md).
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "objects/object_store.h"
#include "sites/copy_record.h"

namespace etcdrill::sites {

inline constexpr const char* kNoLockFix =
    "use a bucket that was made with object lock, or remove `lock` from this site";

// A compliance lock is as good as the one that is wanted, and so is one that ends later.
bool Holds(const std::optional<objects::Lock>& held, const objects::Lock& wanted);
// "compliance until 2026-12-22T08:00:00Z", "no lock".
std::string LockText(const std::optional<objects::Lock>& lock);

// The lock that the site holds on the object, which Head says is `there`, and which is at least
// what is wanted: it is set once where it is not. kLockNotApplied if it is not set then either;
// what may pass, as it is.
Result<objects::Lock> ConfirmLock(objects::ObjectStore& site, const objects::ObjectInfo& there,
                                  const objects::Lock& wanted);
// Locks bytes and manifest of a copy for longer, and asks whether they are. Errors as ConfirmLock.
Status ExtendLock(objects::ObjectStore& site, const CopyRecord& record, const objects::Lock& lock);

// What was just written must be there. Its absence may pass: some sites show it late.
Status NotThere(const Status& status);

}  // namespace etcdrill::sites
