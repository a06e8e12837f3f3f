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

  // Uniform in [0, 1).
  double NextFraction() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
};

std::unique_ptr<Random> MakeSystemRandom();

}  // namespace etcdrill
