// Randomness, as a seam: jitter, temporary names, backoff. Nothing secret is ever made from it.
#pragma once

#include <cstdint>
#include <memory>

namespace etcdrill {

// Next() may be called from any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
};

std::unique_ptr<Random> MakeSystemRandom();

}  // namespace etcdrill
