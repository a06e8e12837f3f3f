// Takes away copies, and what never became one. What decides is the manifest, read by its key: a
// listing may lag behind, and somebody may have hidden a manifest whose bytes are still good.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "sites/copy_record.h"

namespace etcdrill::sites {

// Deletes a copy: first the manifest, then the bytes, by their versions where there are any, then
// what writers found of it. kAccessDenied where the site refuses, by a lock or for want of a right.
// After an error it is there whole, or without a manifest, and goes with the next sweep.
Status DeleteCopy(const Context& context, objects::ObjectStore& site, const CopyRecord& record);

// No upload takes longer.
inline constexpr Duration kUploadAgeMax = std::chrono::hours(24);
// Whole bytes without a manifest may be a copy that lost it. Somebody needs the time to notice that
// on a Monday, and to bring it back.
inline constexpr Duration kUnsealedAgeMax = std::chrono::days(7);

// Gives up uploads that were begun more than kUploadAgeMax ago, and deletes bytes older than
// kUnsealedAgeMax, by the site's clock, that have no manifest. Returns how many of both. Those
// under a lock stay.
//
// kNotProvable, and no bytes were deleted, if so many of them have no manifest that rather the
// manifests are lost: if there is none at all, or fewer than bytes without one, and more than three
// of these.
Result<size_t> SweepUnsealed(const Context& context, objects::ObjectStore& site, WallTime now);

}  // namespace etcdrill::sites
