// See order.h.
#include "store/order.h"

#include <tuple>

namespace etcdrill::store {

bool IsOlder(const Manifest& a, const Manifest& b, WallTime now) {
  const auto rank = [now](const Manifest& m) {
    const bool dated = !IsFuture(m.taken, now);
    return std::tuple(m.place, dated, dated ? m.taken : WallTime(), m.revision);
  };
  return rank(a) < rank(b);
}

}  // namespace etcdrill::store
