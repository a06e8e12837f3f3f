// The stores that need no server, bare and under all that wraps them.
#include "unit/objects/conformance.h"

#include <memory>

#include "objects/directory_objects.h"
#include "objects/limited.h"
#include "objects/metered.h"
#include "objects/retry.h"
#include "support/catch.h"
#include "support/memory_objects.h"
#include "support/test_context.h"

namespace etcdrill::objects {
namespace {

using testing::MemoryObjects;
using testing::TestContext;

TEST_CASE("a store in memory keeps what a store promises") {
  TestContext test;
  MemoryObjects store(test.clock());
  CheckConformance(store);
}

TEST_CASE("a store in memory with versions and locks keeps what a store promises") {
  TestContext test;
  MemoryObjects store(test.clock(), {.has_locks = true, .has_versions = true});
  CheckConformance(store);
}

TEST_CASE("a directory keeps what a store promises") {
  TestContext test;
  const auto store = MakeDirectoryObjects(test.context(), test.dir());
  CheckConformance(*store);
}

TEST_CASE("retry, meter and limit break no promise") {
  TestContext test;
  Meter meter;
  std::unique_ptr<ObjectStore> store = std::make_unique<MemoryObjects>(
      test.clock(), Properties{.has_locks = true, .has_versions = true});
  constexpr uint64_t kFast = uint64_t{1} << 40;
  store = Limited(std::move(store), test.context(),
                  {.sent_per_second = kFast, .received_per_second = kFast});
  store = Metered(std::move(store), meter);
  store = WithRetries(std::move(store), test.context());
  CheckConformance(*store);
}

}  // namespace
}  // namespace etcdrill::objects
