#include "sites/order.h"

#include <algorithm>
#include <numeric>

#include "store/manifest_file.h"

namespace etcdrill::sites {

std::vector<size_t> OrderOfSealing(const std::vector<Sealed>& sealed, WallTime now) {
  std::vector<size_t> order(sealed.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    if (sealed[a].store != sealed[b].store) return sealed[a].store < sealed[b].store;
    return store::IsOlder(*sealed[a].manifest, *sealed[b].manifest, now);
  });
  std::vector<WallTime> reached(sealed.size(), WallTime::min());
  WallTime so_far = WallTime::min();
  for (size_t i = 0; i < order.size(); ++i) {
    const Sealed& one = sealed[order[i]];
    if (i > 0 && one.store != sealed[order[i - 1]].store) so_far = WallTime::min();
    if (!IsFuture(one.manifest->taken, now)) so_far = std::max(so_far, one.manifest->taken);
    reached[order[i]] = so_far;
  }
  std::ranges::stable_sort(order, {}, [&](size_t i) { return reached[i]; });
  return order;
}

}  // namespace etcdrill::sites
