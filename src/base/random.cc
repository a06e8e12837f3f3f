#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace etcdrill {
namespace {

class SystemRandom final : public Random {
 public:
  uint64_t Next() override {
    uint64_t value = 0;
    CHECK(getrandom(&value, sizeof value, 0) == sizeof value);  // up to 256 bytes are never short
    return value;
  }
};

}  // namespace

std::unique_ptr<Random> MakeSystemRandom() { return std::make_unique<SystemRandom>(); }

}  // namespace etcdrill
