// Claim against truth: is a file what its name says, is it young enough, or is it an old one under
// a new name? The data may be sound all the same; what is wrong is what people believe they have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "format/snapshot/image.h"
#include "proof/manifest.h"
#include "verify/report.h"

namespace etcdrill::crosscheck {

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
