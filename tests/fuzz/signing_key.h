// The key that signed the seeds of fuzz_copy_record. Its secret is 32 times the letter B.
#pragma once

#include "crypto/signature.h"

namespace etcdrill::testing {

inline SigningKey FuzzSigningKey() {
  return SigningKey::FromPem(
             "-----BEGIN PRIVATE KEY-----\n"
             "MC4CAQAwBQYDK2VwBCIEIEJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC\n"
             "-----END PRIVATE KEY-----\n")
      .value();
}

}  // namespace etcdrill::testing
