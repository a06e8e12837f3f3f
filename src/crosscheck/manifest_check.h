// Holds a file to what was known of it when it was taken. The SHA-256 in the manifest proves the
// bytes; this is about what a hash can't say: that the copy was already found wrong then, or that
// the members held other data.
#pragma once

#include <optional>
#include <string>

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

}  // namespace etcdrill::crosscheck
