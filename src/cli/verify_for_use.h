// Whether a command may use a file as the snapshot that it is said to be.
#pragma once

#include <optional>

#include "base/status.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "proof/manifest.h"
#include "verify/report.h"

namespace etcdrill::cli {

// What must prove the bytes of a file, trailer or manifest, for a command to use it.
enum class Proof { kIgnored, kRightIfThere, kRight };

// The report on a file that may be used; or why it must not be.
Result<verify::VerifyReport> VerifyForUse(const Context& context, const snapshot::Image& image,
                                          const std::optional<Manifest>& manifest, Proof proof);

}  // namespace etcdrill::cli
