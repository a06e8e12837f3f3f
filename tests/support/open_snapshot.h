// Opens a snapshot file for what takes an open one. A file that can't be opened ends the test.
#pragma once

#include <string>

#include "format/snapshot/image.h"
#include "support/snapshots.h"
#include "verify/verify.h"

namespace etcdrill::testing {

inline snapshot::Image OpenFile(const Context& context, const std::string& path) {
  return snapshot::Image::Open(context, path).value();
}

// Opens and verifies, as a command does; the error of either.
inline Result<verify::VerifyReport> VerifyFile(const Context& context, const std::string& path,
                                               const verify::VerifyInput& input = {}) {
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
  return verify::Verify(context, image, input);
}

}  // namespace etcdrill::testing
