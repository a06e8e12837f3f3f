// The identity that opens the seeds of fuzz_age. Its secret is 32 times the letter B.
#pragma once

#include "crypto/age/keys.h"

namespace etcdrill::testing {

inline AgeIdentity FuzzIdentity() {
  return AgeIdentity::Parse(
             "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
      .value();
}

}  // namespace etcdrill::testing
