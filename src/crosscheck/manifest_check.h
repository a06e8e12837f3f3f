// Holds a file to what was known of it when it was taken, and to what its name claims. The SHA-256
// in the manifest proves the bytes; this is about what a hash can't say: that the copy was already
// found wrong then, that the members held other data, that it is an old one under a new name. The
// data may be sound all the same; what is wrong is what people believe they have.
#pragma once

#include <optional>
#include <vector>

#include "io/context.h"
#include "proof/manifest.h"
#include "verify/verify.h"

namespace etcdrill::crosscheck {

// Verifies a file up to `level`, and against its name and its manifest if it has one.
Result<verify::VerifyReport> VerifyWithManifest(const Context& context,
                                                const snapshot::Image& image,
                                                const std::optional<Manifest>& manifest,
                                                Level level);

// Adds findings to `report`.
void CompareWithManifest(const Manifest& manifest, verify::VerifyReport& report);

struct Freshness {
  std::vector<Manifest> others;  // the snapshots beside it, itself included or not
  std::optional<Duration> max_age;
};

// From the manifest, else as store::TakenAt has it for the file that is open, of which `report` is.
// May lie in the future.
WallTime TakenAt(const snapshot::Image& image, const std::optional<Manifest>& manifest,
                 const verify::VerifyReport& report);

// Adds a finding if the revision or the time in the name can't be right; a false revision makes the
// verdict damaged.
void CheckClaims(const snapshot::Image& image, const std::optional<Manifest>& manifest,
                 verify::VerifyReport& report);

// Adds a finding if an older snapshot has the same bytes, and one if the file is older than
// max_age, or if its time lies in the future, so that nobody knows its age; returns false if that
// keeps it from being as young as max_age asks. `taken`: TakenAt.
bool CheckFreshness(WallTime taken, WallTime now, const Freshness& freshness,
                    verify::VerifyReport& report);

}  // namespace etcdrill::crosscheck
